"""A small fake of GitHub's REST API, so that the real `gh api` works without GitHub.

rest.py lets it listen. What it holds is plain data: `github.issues`, `github.comments`,
`github.dispatches`. A request that it does not know gets 404 and is kept in `github.unknown`.
"""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BOT = {"login": "github-actions[bot]", "type": "Bot"}
NOW = "2026-06-01T00:00:00Z"
Answer = tuple[int, Any]


class RefusedError(Exception):
    """An answer other than success."""

    def __init__(self, status: int, message: str) -> None:
        """Keep what the client is told."""
        super().__init__(message)
        self.status = status


@dataclass
class GitHub:
    """The state, and how each request changes it."""

    repository: str = "octo/model"
    token: str = "ghs_tokenOfTheTest"
    issues: dict[int, dict] = field(default_factory=dict)
    comments: dict[int, dict] = field(default_factory=dict)
    labels: dict[str, dict] = field(default_factory=dict)
    environments: dict[str, dict] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)  # of the repository: private, …
    dispatches: list[dict] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    unknown: list[tuple[str, str]] = field(default_factory=list)
    socket: Path = Path()
    address: str = ""
    lock: Any = field(default_factory=threading.RLock)

    def pull_request(self, number: int) -> None:
        """Let there be a pull request, which takes comments as issues do."""
        self.issues.setdefault(number, self._issue(number, {"title": f"Pull request {number}"}))
        self.issues[number]["pull_request"] = {}

    def _issue(self, number: int, given: dict) -> dict:
        names = [x if isinstance(x, str) else x["name"] for x in given.get("labels", [])]
        for name in names:
            self.labels.setdefault(name, {"name": name})
        return {
            "number": number,
            "title": given["title"],
            "body": given.get("body") or "",
            "state": "open",
            "labels": [{"name": name} for name in names],
            "user": BOT,
            "html_url": f"https://github.com/{self.repository}/issues/{number}",
            "created_at": NOW,
            "updated_at": NOW,
        }

    def find_issue(self, number: str) -> dict:
        """The issue, or 404."""
        if int(number) not in self.issues:
            raise RefusedError(404, "Not Found")
        return self.issues[int(number)]

    def get_repository(self, query: dict, body: dict) -> Answer:
        """GET the repository."""
        page = f"https://github.com/{self.repository}"
        return 200, {"full_name": self.repository, "html_url": page, **self.facts_now()}

    def facts_now(self) -> dict[str, Any]:
        """What is true of the repository unless a test says otherwise."""
        return {"default_branch": "main", "private": False, "visibility": "public", **self.facts}

    def get_issues(self, query: dict, body: dict) -> Answer:
        """GET issues, newest first; pull requests are among them, as on GitHub."""
        wanted = set(filter(None, query.get("labels", "").split(",")))
        state = query.get("state", "open")
        return 200, [
            issue
            for issue in sorted(self.issues.values(), key=lambda one: -one["number"])
            if state in ("all", issue["state"])
            and wanted <= {label["name"] for label in issue["labels"]}
        ]

    def post_issues(self, query: dict, body: dict) -> Answer:
        """POST an issue."""
        if not body.get("title"):
            raise RefusedError(422, "Validation Failed")
        number = max(self.issues, default=0) + 1
        self.issues[number] = self._issue(number, body)
        return 201, self.issues[number]

    def get_issue(self, query: dict, body: dict, number: str) -> Answer:
        """GET one issue."""
        return 200, self.find_issue(number)

    def patch_issue(self, query: dict, body: dict, number: str) -> Answer:
        """PATCH an issue: close it, say why, change its text or labels."""
        issue = self.find_issue(number)
        unknown = set(body) - {"title", "body", "state", "state_reason", "labels", "assignees"}
        if unknown or body.get("state", "open") not in ("open", "closed"):
            raise RefusedError(422, "Validation Failed")
        changed = self._issue(issue["number"], {**issue, **body})
        issue.update(body, labels=changed["labels"])
        return 200, issue

    def post_issue_labels(self, query: dict, body: dict, number: str) -> Answer:
        """POST labels to an issue."""
        issue = self.find_issue(number)
        names = {label["name"] for label in issue["labels"]}
        issue["labels"] += [{"name": name} for name in body["labels"] if name not in names]
        return 200, issue["labels"]

    def get_comments(self, query: dict, body: dict, number: str) -> Answer:
        """GET an issue's comments, oldest first."""
        self.find_issue(number)
        every = self.comments.values()
        return 200, [one for one in every if one["issue_number"] == int(number)]

    def post_comments(self, query: dict, body: dict, number: str) -> Answer:
        """POST a comment."""
        page = self.find_issue(number)["html_url"]
        if not body.get("body"):
            raise RefusedError(422, "Validation Failed")
        key = max(self.comments, default=1000) + 1
        address = f"{page}#issuecomment-{key}"
        comment = {"id": key, "body": body["body"], "user": BOT, "html_url": address}
        self.comments[key] = {**comment, "issue_number": int(number), "created_at": NOW}
        return 201, self.comments[key]

    def patch_comment(self, query: dict, body: dict, key: str) -> Answer:
        """PATCH a comment."""
        if int(key) not in self.comments:
            raise RefusedError(404, "Not Found")
        self.comments[int(key)]["body"] = body["body"]
        return 200, self.comments[int(key)]

    def post_labels(self, query: dict, body: dict) -> Answer:
        """POST a label; a second one of the same name is refused, as on GitHub."""
        if body["name"] in self.labels:
            raise RefusedError(422, "Validation Failed")
        self.labels[body["name"]] = body
        return 201, body

    def get_labels(self, query: dict, body: dict) -> Answer:
        """GET the labels."""
        return 200, list(self.labels.values())

    def post_dispatches(self, query: dict, body: dict, workflow: str = "") -> Answer:
        """POST a repository_dispatch, or a workflow_dispatch of a file."""
        if not body.get("ref" if workflow else "event_type"):
            raise RefusedError(422, "Invalid request")
        self.dispatches.append({"workflow": workflow, **body} if workflow else body)
        return 204, None

    def get_environments(self, query: dict, body: dict) -> Answer:
        """GET the environments."""
        every = [{"name": name, **facts} for name, facts in self.environments.items()]
        return 200, {"total_count": len(every), "environments": every}

    def get_environment(self, query: dict, body: dict, name: str) -> Answer:
        """GET one environment."""
        if name not in self.environments:
            raise RefusedError(404, "Not Found")
        return 200, {"name": name, **self.environments[name]}
