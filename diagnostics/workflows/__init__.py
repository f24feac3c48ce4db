"""What the commands do, as Python functions: they join the lab, which runs, and the report, which writes.

reproduce.reproduce(request, part, progress)    one run of the matrix, from its request to its report
evidence.posting(view, project, secrets)        an issue, with what its script gives now
"""
