# SPDX-License-Identifier: Apache-2.0
"""policy_peer N DAEMON-OPTIONS: postfix-mta-sts-resolver with its internal
cache, which N policies are already in; else that would take their look-ups."""

import json
import sys
import time

POLICY = {"version": "STSv1", "mode": "enforce", "max_age": 604800,
          "mx": ["mx1.example.com", "mx2.example.com",
                 "*.mail.example.net"]}


def rows(n):
    """(domain, time, id, policy) of each."""
    now = int(time.time())
    return ((f"d{i:06d}.example", now, "1", json.loads(json.dumps(POLICY)))
            for i in range(n))


def main():
    # pylint: disable=import-outside-toplevel; others want the rows only
    from postfix_mta_sts_resolver import daemon, internal_cache
    from postfix_mta_sts_resolver.base_cache import CacheEntry

    n = int(sys.argv.pop(1))

    class Filled(internal_cache.InternalLRUCache):
        async def setup(self):
            for domain, *entry in rows(n):
                await self.set(domain, CacheEntry(*entry))

    internal_cache.InternalLRUCache = Filled
    daemon.main()


if __name__ == "__main__":
    main()
