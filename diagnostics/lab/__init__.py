"""Runs trials: the matrix, its environments, execution, the provider server that trials call, and bisection.

    settings = run_settings(RunRequest(…)); run(settings, store, listener, about)    a run of the matrix
    with open_session(find_target(…), …) as session: session.run(plans)               trials of one environment
    run_bisection(BisectRequest(…), …)                                               the release that changed an outcome

Everything here runs outside the environments under test.
"""
