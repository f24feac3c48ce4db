"""What the commands do, as Python functions: they join the lab, which runs, and the report, which writes.

reproduce.reproduce(request, part, progress)    one run of the matrix, from its request to its report
report.view_of(folder)                          everything that a format may show of a run
evidence.posting(view, project, secrets)        an issue, with what its script gives now
jets.run_strategy(strategy, sample, …)          the jet analysis under the sanitizer
"""
