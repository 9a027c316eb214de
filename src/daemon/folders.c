/* SPDX-License-Identifier: Apache-2.0 */
/* folders: directories, sealing key and lock, in the order they are needed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/settings.h"
#include "base/log.h"
#include "daemon/folders.h"
#include "daemon/privileges.h"
#include "daemon/role.h"
#include "daemon/supervisor.h"
#include "io/crypto.h"
#include "io/fd.h"

#include "base/poison.h"

/* Does a role run that needs database, view and sealing key? */
static bool is_host(const struct settings *set)
{
	for (const struct role *const *r = roles; *r != NULL; r++)
		if ((*r)->folder == NULL && role_chosen(set, *r))
			return true;
	return false;
}

/* The folders that single roles keep for themselves. */
static enum status make_own(const struct settings *set, struct arena *a,
	const struct owner *owner, struct err *e)
{
	enum status st = ST_OK;

	for (const struct role *const *r = roles; st == ST_OK && *r != NULL;
		r++)
		if ((*r)->folder != NULL && role_chosen(set, *r))
			st = privileges_make_dir(
				settings_state_path(set, a, (*r)->folder).p,
				0750, owner->uid, owner->gid, e);
	return st;
}

enum status folders_make(
	const struct settings *set, struct owner *owner, struct err *e)
{
	struct arena *a = arena_must(0);
	/* Roles have no business in the run directory but to connect. */
	const struct {
		struct str path;
		mode_t mode;
		bool owned;
	} dirs[] = {
		{ settings_str(set, "server.run_dir"), 0755, false },
		{ settings_str(set, "server.state_dir"), 0750, true },
		{ settings_state_path(set, a, "keys"), 0700, true },
		{ settings_state_path(set, a, SETTINGS_VIEW_FOLDER), 0750,
			true },
	};
	size_t n = is_host(set) ? sizeof(dirs) / sizeof(*dirs) : 2;
	enum status st = ST_OK;

	if (geteuid() == 0)
		st = privileges_find(settings_str(set, "server.user").p,
			&owner->uid, &owner->gid, e);
	for (size_t i = 0; st == ST_OK && i < n; i++)
		st = privileges_make_dir(dirs[i].path.p, dirs[i].mode,
			dirs[i].owned ? owner->uid : (uid_t)-1, owner->gid, e);
	if (st == ST_OK)
		st = make_own(set, a, owner, e);
	arena_free(&a);
	return st;
}

enum status folders_lock(const struct settings *set, int *lock, struct err *e)
{
	struct arena *a = arena_must(0);
	struct str path = settings_run_path(set, a, SUPERVISOR_PID_FILE);
	enum status st = ST_OK;
	char pid[24];
	int n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());

	*lock = open(path.p, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (*lock < 0)
		st = err_sys(e, ST_PERM, errno, "%s", path.p);
	else if (flock(*lock, LOCK_EX | LOCK_NB) < 0)
		st = err_set(e, ST_PERM,
			"another moatd already runs here (its pid is in %s)",
			path.p);
	else if (ftruncate(*lock, 0) < 0 || write(*lock, pid, (size_t)n) != n)
		st = err_sys(e, ST_PERM, errno, "%s", path.p);
	if (st != ST_OK)
		fd_close(lock);
	arena_free(&a);
	return st;
}

void folders_unlock(const struct settings *set, int *lock)
{
	static const char *const files[] = { SETTINGS_STATUS,
		SUPERVISOR_PID_FILE };
	struct arena *a;

	if (*lock < 0)
		return;
	a = arena_must(0);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		(void)unlink(settings_run_path(set, a, files[i]).p);
	arena_free(&a);
	fd_close(lock);
}

enum status folders_make_key(
	const struct settings *set, struct owner owner, struct err *e)
{
	struct arena *a = arena_must(0);
	struct str key = settings_seal_key(set, a);
	struct str db = settings_state_path(set, a, SETTINGS_DATABASE);
	struct crypto_key *there = NULL;
	enum status st;

	if (!is_host(set)) {
		st = ST_OK;
		goto out;
	}
	st = crypto_key_open(key.p, &there, e);
	crypto_key_free(&there);
	if (st != ST_NOTFOUND)
		goto out;
	if (settings_str(set, "server.seal_key").n > 0) {
		st = err_set(e, ST_PERM,
			"server.seal_key: there is no %s: put the key there, "
			"or correct the setting",
			key.p);
		goto out;
	}
	if (access(db.p, F_OK) == 0) {
		st = err_set(e, ST_PERM,
			"%s is missing, but %s exists: put the key back from "
			"your backup; without it no stored certificate key "
			"can be opened",
			key.p, db.p);
		goto out;
	}
	st = crypto_key_create(key.p, e);
	if (st == ST_OK && owner.uid != (uid_t)-1)
		st = privileges_give(key.p, owner.uid, owner.gid, e);
	if (st == ST_OK)
		LOG(LOG_INFO, "key.created", KV_STR("path", key));
out:
	arena_free(&a);
	return st;
}
