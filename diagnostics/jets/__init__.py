"""The debugging plan's workload: quark and gluon jets, classified by a language model.

Needs the extra `jets` (`pip install 'event-loop-diagnostics[jets]'`) and Python 3.11 or newer. This module imports
nothing, so that the command line can name what there is without numpy, scikit-learn or openai.
"""
