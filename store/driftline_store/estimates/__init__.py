"""What scores of the judge and labels of people say about quality, and how sure that is; numpy on whole columns."""
