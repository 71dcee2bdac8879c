"""`/verify`: what gateways and services ask about tokens that somebody presents, and what they are told.

    the ordinary way    verify.py, behind web/guard.py
    the fast way        fast_path.py, from the bytes of a plain request: heads.py says which is plain, senders.py and
                        shapes.py what need not be read in full

For both, questions.py says what each route is asked, and both give the answers of verify.py.
`tests/gate/test_fast_path.py` sends whatever it can think of both ways, and compares the bytes that come back.

    for administrators  batch.py, explanation.py: about tokens that others presented (inspection.py)

`table.py` has its paths.
"""
