"""Approvals: the record, the facts for quorum and separation, the view an approver signs."""
