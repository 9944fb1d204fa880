"""Whether the web server answers; for the supervisor, and for containers that have no curl.

python -m leadcrm.healthcheck
"""

import http.client
import os
import sys
from urllib.parse import urlsplit


def answers(host: str, port: int) -> bool:
    """Asks by the site's own name, the only one it surely accepts; a redirect is an answer too."""
    name = urlsplit(os.environ.get("SITE_URL", "")).hostname or host
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/healthz", headers={"Host": name})
        return connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not answers("127.0.0.1", int(os.environ.get("PORT", "8000"))))
