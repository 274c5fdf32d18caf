"""What an audit finds, for people and as closed documents."""
