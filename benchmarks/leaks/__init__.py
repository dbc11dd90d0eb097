"""A labelled corpus of secrets in logs, made by generators, and the judge of what a sanitizer leaves of them.

`formats` makes values, `vendors` tokens, `positions` puts a value into a sentence, `disguises` spells it another way, `shapes`
makes a log line of it; `crossings` crosses them all. `syntaxes`, `connections`, `protocol`, `lines`, `mailboxes` and `numbers`
hold the forms that belong to one kind; `negatives` and `systems` what must survive. `judge` reads the output as an attacker would.
"""
