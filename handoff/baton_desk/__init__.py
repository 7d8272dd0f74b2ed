"""The desk: the Hub service that receives handoffs.

`baton_desk.desk.Desk` is what it does; the API and the pages call only that.
"""
