#!/usr/bin/env bash
# Makes everything in docs/case-study/ and puts it into docs/case-study.md. From anywhere:
#   docs/case-study.sh [PROGRAM]      (default: the program that cargo builds)
set -euo pipefail
[ $# = 0 ] || program=$(realpath "$1")
cd "$(dirname "$0")/.."
if [ $# = 0 ]; then
    cargo build --release
    program=${CARGO_TARGET_DIR:-target}/release/mirscope
fi
data=../shared/data/transcripts
out=docs/case-study
mkdir -p $out
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

pairs="hsa-let-7a-5p ENSG00000149948 let-7a-hmga2
hsa-miR-21-5p ENSG00000150593 mir-21-pdcd4
hsa-miR-122-5p ENSG00000139514 mir-122-slc7a1
hsa-miR-200c-3p ENSG00000148516 mir-200c-zeb1"
while read -r mirna target name; do
    "$program" show --mirna $data/mature_hsa.fa --mirna-id "$mirna" --target $data/utr3.fa --target-id "$target" --top 3 \
        --device cpu --svg "$out/$name.svg" > "$out/$name.txt"
done <<< "$pairs"
# HMGA2 once more: a site of its long 3'UTR, which the transcripts' file does not have
"$program" show --mirna $data/mature_hsa.fa --mirna-id hsa-let-7a-5p --target UCCUGUAUGUUGUACAAUCAAAACACACUACUACCUCUUA \
    --device cpu --svg $out/let-7a-hmga2-site.svg > $out/let-7a-hmga2-site.txt
"$program" model info | grep -E '^(name|sha256|threshold|calibration)' > $out/model.txt

# every candidate of the pairs with relaxed seeds, called or not
awk 'BEGIN { print "mirna_id\ttarget_id" } { print $1 "\t" $2 }' <<< "$pairs" > "$work/pairs.tsv"
"$program" scan --mirna $data/mature_hsa.fa --target $data/utr3.fa --pairs "$work/pairs.tsv" --candidates relaxed \
    --min-probability 0 --sites - --no-meta --device cpu --quiet | cut -f 1-6 > $out/sites.tsv
# each miRNA on every 3'UTR, for the place of the gene among them
while read -r mirna target name; do
    awk -v id=">$mirna" '/^>/ { on = $1 == id } on' $data/mature_hsa.fa
done <<< "$pairs" > "$work/mirnas.fa"
"$program" scan --mirna "$work/mirnas.fa" --target $data/utr3.fa --genes - --no-meta --device cpu --quiet > "$work/genes.tsv"
awk -F '\t' -v OFS='\t' -v threshold="$(awk '$1 == "threshold" { print $2 }' $out/model.txt)" '
    FNR == 1 { file++; next }
    file == 1 { order[++n] = $1 "\t" $2; next }
    file == 2 { key = $1 "\t" $2; seed = $5 ~ /^(8mer|7mer-m8|7mer-A1|6mer)$/; all[key, seed]++; called[key, seed] += $6 >= threshold; next }
    { p[$1, $2] = $3; if ($3 != "NA") { scored[$1]++; values[$1, scored[$1]] = $3 } }
    END {
        print "mirna_id", "target_id", "seed_sites", "seed_called", "other_sites", "other_called", "genes_scored", "genes_called", "genes_above"
        for (i = 1; i <= n; i++) {
            key = order[i]; split(key, id, "\t"); own = p[id[1], id[2]]; above = hits = 0
            for (g = 1; g <= scored[id[1]]; g++) { value = values[id[1], g]; hits += value >= threshold; above += value > own }
            print key, all[key, 1] + 0, called[key, 1] + 0, all[key, 0] + 0, called[key, 0] + 0, scored[id[1]], hits, own == "NA" ? "NA" : above
        }
    }' "$work/pairs.tsv" $out/sites.tsv "$work/genes.tsv" > $out/counts.tsv

# what stands in blocks "text shows=NAME" of the page is put there anew
awk -v out="$out/" '
    /^```text shows=/ { print; name = out substr($0, 15); while ((getline line < name) > 0) print line; close(name); inside = 1; next }
    inside && /^```$/ { inside = 0 }
    !inside { print }' docs/case-study.md > "$work/page"
cat "$work/page" > docs/case-study.md
