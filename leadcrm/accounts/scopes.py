"""What an API key may do. A publishable key sits in web pages, so it may only bring things in."""

SCOPES: dict[str, str] = {
    "capture:write": "Post captures and read their receipts",
    "tracking:write": "Post page views and other visitor activity",
    "leads:read": "Read leads, timelines, scores and BANT answers",
    "leads:write": "Create, change and delete leads, notes, activities and BANT answers",
    "pipeline:read": "Read stages, deals, tasks, routing rules and decisions",
    "pipeline:write": "Move stages, change owners, write tasks and routing rules",
    "scoring:read": "Read scoring models",
    "scoring:write": "Change and publish scoring models",
    "nurturing:read": "Read drip campaigns, templates and enrollments",
    "nurturing:write": "Change drip campaigns and templates, enrol leads",
    "marketing:read": "Read marketing campaigns and spend",
    "marketing:write": "Change marketing campaigns and spend",
    "reports:read": "Read reports",
    "admin:read": "Read people, teams and settings",
    "admin:write": "Change people, teams and settings",
}

PUBLISHABLE_SCOPES = frozenset({"capture:write", "tracking:write"})
