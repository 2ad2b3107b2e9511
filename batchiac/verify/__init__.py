"""A workload on a simulated stack: how long, how much, what waits, what is stuck.

    workload = read_workload(path)                          # workload_file: own YAML, WfFormat 1.5, SWF
    run = run_workload(stack, workload, stack="local")      # run: a `batchiac.testing.local_stack`, deployed to
    measures = measure(run, shipped_prices())               # measure: pure

Readers (own_yaml, wfformat, swf) make values (workload); destination finds queues and definitions; submit plans what
is sent; run sends it and moves time; trace keeps what happened; measure counts; report/ renders.
"""
