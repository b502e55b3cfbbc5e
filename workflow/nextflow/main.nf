// A scan in shards, as a Nextflow pipeline. Untested: Nextflow was not at hand.
//   nextflow run workflow/nextflow/main.nf --mirna m.fa --target t.fa --shards 8

params.mirna = null
params.target = null
params.shards = 8
params.options = ''
params.outdir = 'results'

process SCAN {
    cpus 2
    memory '1 GB'
    errorStrategy 'retry'
    maxRetries 2

    input:
    tuple val(i), path(mirna), path(target)

    output:
    path "${i}.json", emit: manifest
    path "${i}.*.tsv", emit: tables

    script:
    """
    mirscope scan --mirna ${mirna} --target ${target} ${params.options} --threads ${task.cpus} \\
        --shard ${i}/${params.shards} --manifest ${i}.json --resume --sites ${i}.sites.tsv --genes ${i}.genes.tsv
    """
}

process MERGE {
    publishDir params.outdir, mode: 'copy'

    input:
    path manifests
    path tables

    output:
    path 'merged/*'

    script:
    """
    mirscope merge ${manifests} -o merged
    """
}

workflow {
    shards = Channel.of(1..params.shards).map { i -> [i, file(params.mirna), file(params.target)] }
    SCAN(shards)
    MERGE(SCAN.out.manifest.collect(), SCAN.out.tables.collect())
}
