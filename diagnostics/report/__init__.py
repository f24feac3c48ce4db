"""From the records of a run to what people read.

Every format is rendered from one `shapes.View`, which `view.build_view` makes out of the records. Nothing here runs a
trial, imports the lab or looks at a clock: the same run folder always gives the same bytes.
"""
