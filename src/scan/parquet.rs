//! Sites as Parquet: the columns of the sites table with types, for DuckDB, Polars, pandas and Arrow.
//! <https://parquet.apache.org/docs/file-format/>.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use super::lines::{Answered, Place, Row, logit};
use crate::output::Output;
use crate::{Error, Result};

/// Rows that are held back and written together.
const GROUP: usize = 1 << 17;

const COLUMNS: &str = "required binary mirna_id (utf8); required binary target_id (utf8); required int64 start; required int64 end; \
    required binary site_type (utf8); required float probability; required float score; required int32 n_wc; required int32 n_gu; \
    required int32 n_mismatch; optional binary pairing (utf8); optional float fdr;";
const GENOME: &str = "optional binary chrom (utf8); optional int64 chrom_start; optional int64 chrom_end; optional binary strand (utf8);";

/// Values of one column; an optional one has only those that are there, and for each row whether one is.
#[derive(Default)]
struct Column<T> {
    values: Vec<T>,
    present: Vec<i16>,
}

impl<T> Column<T> {
    fn push(&mut self, value: Option<T>) {
        self.present.push(i16::from(value.is_some()));
        self.values.extend(value);
    }
}

/// The columns of one type stand in the schema's order.
#[derive(Default)]
struct Group {
    rows: usize,
    /// miRNA, target, type, pairing, chromosome, strand.
    texts: [Column<ByteArray>; 6],
    /// Start, end, and on the chromosome.
    places: [Column<i64>; 4],
    /// Watson-Crick, wobble, mismatch.
    counts: [Column<i32>; 3],
    /// Probability, score, false-discovery rate.
    reals: [Column<f32>; 3],
}

/// A file being written.
pub(super) struct Parquet {
    writer: SerializedFileWriter<Sink>,
    group: Group,
    path: String,
}

/// An output as the library writes to it.
struct Sink(Output);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.put(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Parquet {
    /// Begins a file; `meta`, lines `# key=value`, become its metadata.
    pub(super) fn create(path: &str, meta: &str, on_genome: bool) -> Result<Self> {
        let schema = format!("message sites {{ {COLUMNS} {} }}", if on_genome { GENOME } else { "" });
        let schema = Arc::new(parse_message_type(&schema).expect("the schema is written above"));
        let said = meta.lines().filter_map(|line| line.strip_prefix("# ")?.split_once('='));
        let said = said.map(|(key, value)| KeyValue::new(key.to_string(), value.to_string())).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(Some(said))
            .build();
        let output = Sink(Output::create(path)?);
        let writer = SerializedFileWriter::new(output, schema, Arc::new(properties));
        let writer = writer.map_err(|error| failed(path, error))?;
        Ok(Parquet { writer, group: Group::default(), path: path.to_string() })
    }

    pub(super) fn add(&mut self, answered: &Answered) -> Result<()> {
        for row in &answered.rows {
            self.group.add(answered, row);
            if self.group.rows == GROUP {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let group = std::mem::take(&mut self.group);
        let written = group.write(&mut self.writer);
        written.map_err(|error| failed(&self.path, error))
    }

    pub(super) fn finish(mut self) -> Result<()> {
        if self.group.rows > 0 {
            self.flush()?;
        }
        self.writer.into_inner().map_err(|error| failed(&self.path, error))?.0.finish()
    }
}

fn failed(path: &str, error: ParquetError) -> Error {
    Error::io(path, io::Error::other(error))
}

impl Group {
    fn add(&mut self, answered: &Answered, row: &Row) {
        let (mirna, target) = (&answered.question.mirna, &answered.question.target);
        let (site, duplex) = (row.site, row.duplex.as_ref());
        let blocks = match answered.place {
            Place::Found(transcript) => Some((transcript, transcript.locate(row.span()))),
            Place::NoGenome | Place::Lost => None,
        };
        let text = |text: &str| Some(ByteArray::from(text));
        let texts = [
            text(&mirna.id),
            text(&target.id),
            text(site.candidate.seed.name()),
            duplex.and_then(|d| text(&d.brackets(&mirna.sequence, &target.sequence))),
            blocks.as_ref().and_then(|(transcript, _)| text(&transcript.chrom)),
            blocks.as_ref().and_then(|(transcript, _)| text(&transcript.strand.to_string())),
        ];
        let first = blocks.as_ref().map(|(_, blocks)| blocks[0].start as i64 + 1);
        let last = blocks.as_ref().map(|(_, blocks)| blocks[blocks.len() - 1].end as i64);
        let places = [Some(row.start as i64), Some(row.end as i64), first, last];
        let counts = duplex.map_or([0; 3], |d| [d.n_wc, d.n_gu, d.n_mismatch]).map(|n| Some(n as i32));
        let reals = [Some(site.probability), Some(logit(site.probability)), answered.fdr(row)];
        self.texts.iter_mut().zip(texts).for_each(|(column, value)| column.push(value));
        self.places.iter_mut().zip(places).for_each(|(column, value)| column.push(value));
        self.counts.iter_mut().zip(counts).for_each(|(column, value)| column.push(value));
        self.reals.iter_mut().zip(reals).for_each(|(column, value)| column.push(value));
        self.rows += 1;
    }

    fn write(self, writer: &mut SerializedFileWriter<Sink>) -> Result<(), ParquetError> {
        let mut group = writer.next_row_group()?;
        let (mut texts, mut places) = (self.texts.iter(), self.places.iter());
        let (mut counts, mut reals) = (self.counts.iter(), self.reals.iter());
        const FITS: &str = "as many columns of a type as the schema has";
        while let Some(mut column) = group.next_column()? {
            match column.untyped() {
                ColumnWriter::ByteArrayColumnWriter(writer) => {
                    let Column { values, present } = texts.next().expect(FITS);
                    writer.write_batch(values, Some(present), None)?;
                }
                ColumnWriter::Int64ColumnWriter(writer) => {
                    let Column { values, present } = places.next().expect(FITS);
                    writer.write_batch(values, Some(present), None)?;
                }
                ColumnWriter::Int32ColumnWriter(writer) => {
                    let Column { values, present } = counts.next().expect(FITS);
                    writer.write_batch(values, Some(present), None)?;
                }
                ColumnWriter::FloatColumnWriter(writer) => {
                    let Column { values, present } = reals.next().expect(FITS);
                    writer.write_batch(values, Some(present), None)?;
                }
                _ => unreachable!("the schema has no other type"),
            }
            column.close()?;
        }
        group.close()?;
        Ok(())
    }
}
