/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sockets: everything moatd listens on. The supervisor opens it while it still
 * may; each role inherits its own part and nothing else.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "daemon/role.h"

struct settings;

struct bound {
	const struct role *role;
	unsigned worker; /* the one it belongs to; ALL_WORKERS if shared */
	const char *name;
	struct str where; /* address, or path for a unix socket */
	bool datagram;
	int fd; /* -1 once moved to another set */
};

#define ALL_WORKERS (~0u)

struct sockets {
	struct arena *arena;
	struct bound *items;
	size_t n, cap;
};

/* Who owns the unix sockets; (uid_t)-1 leaves it as it is. */
struct owner {
	uid_t uid;
	gid_t gid;
};

/*
 * Opens the sockets of a role's workers and adds them to s. What from (may be
 * NULL) has open under the same name and address is taken from there, so that
 * no connection is lost when settings are read again. ST_NOTFOUND: a user or
 * group that a setting names is not there; ST_PERM: cannot listen.
 */
enum status sockets_open(struct sockets *s, const struct role *role,
	unsigned workers, const struct settings *set, struct owner owner,
	struct sockets *from, struct err *e);

/* Closes all, removes unix sockets from the file system, and clears s. */
void sockets_close(struct sockets *s);
