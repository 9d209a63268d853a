"""What a study's trials tell of members that were not tried.

Members become rows of numbers in ``features`` (of cells, ``cell_graphs``), with what is known of
them in ``atlas`` and ``rows``. ``axes`` and ``warp`` are the scales that values are predicted on,
``gaussian`` and ``regressors`` the models, ``uncertainty`` how sure the latter are, ``learned`` the
predictor of one objective, ``beliefs`` what comes out. ``partial`` reads the curves of pruned
trials; ``predicting`` is for users.
"""
