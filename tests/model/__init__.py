"""The three protocols where a mistake would be silent, explored statement by statement.

What runs is the services' own code on a real database. Between any two statements a scheduler
decides, from a seed, who goes on and whose process dies; afterwards it is seen whether the promises
held. That the exploration can see anything is shown by taking one safeguard away at a time.
"""
