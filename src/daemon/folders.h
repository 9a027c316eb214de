/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folders: what moatd needs on disk before it starts a role: the run and state
 * directories, the lock that makes it the only one there, the sealing key.
 */
#pragma once

#include "base/err.h"
#include "base/status.h"
#include "daemon/sockets.h"

struct settings;

/*
 * Makes the directories that are missing. As root it sets *owner to the user of
 * server.user, whom the state directory belongs to; else *owner stays as it is.
 * ST_NOTFOUND: no such user; ST_PERM: a directory cannot be made.
 */
enum status folders_make(
	const struct settings *set, struct owner *owner, struct err *e);

/*
 * Whoever holds the lock of a run directory is its supervisor; its pid is in
 * SUPERVISOR_PID_FILE. ST_PERM: another has it, or the file cannot be written;
 * *lock is -1 then.
 */
enum status folders_lock(const struct settings *set, int *lock, struct err *e);

/* Removes what the supervisor keeps there, gives up the lock; -1 is fine. */
void folders_unlock(const struct settings *set, int *lock);

/*
 * Makes the key that seals certificates' keys, only where there is nothing yet
 * that an older one may have sealed, and never where server.seal_key names one.
 * ST_PERM: that is so, or the file cannot be written; ST_INVALID as
 * crypto_key_open, ST_LIMIT as crypto_key_create.
 */
enum status folders_make_key(
	const struct settings *set, struct owner owner, struct err *e);
