"""Assets, in the order data flow: submissions, forms, receipts, marts."""
