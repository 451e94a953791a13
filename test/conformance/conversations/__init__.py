"""Random conversations with two servers, and what may differ between their answers.

    server.py       a server started for the comparison, and one conversation with it
    text.py         generators of classic commands, valid and broken
    meta.py         generators of meta commands
    binary.py       generators of binary packets, quiet forms and broken ones included
    agreement.py    what two answers have to have in common
    spelt.py        numbers spelt in every way, in every place that takes one
    named.py        the written list of differences, in differences.txt
"""
