/* SPDX-License-Identifier: Apache-2.0 */
/* privileges: users, limits, folders. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/privileges.h"
#include "io/fd.h"

#include "base/poison.h"

#define PATH_MAX_BYTES 1024

enum status privileges_find(
	const char *user, uid_t *uid, gid_t *gid, struct err *e)
{
	const struct passwd *pw = getpwnam(user);

	if (pw == NULL)
		return err_set(e, ST_NOTFOUND,
			"there is no user %s: create it (useradd --system "
			"%s) or name another in server.user",
			user, user);
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return ST_OK;
}

static enum status become(const char *user, struct err *e)
{
	enum status st;
	uid_t uid;
	gid_t gid;

	st = privileges_find(user, &uid, &gid, e);
	if (st != ST_OK)
		return st;
	if (uid == 0)
		return ST_OK; /* asked for: server.user = root */
	if (initgroups(user, gid) < 0 || setresgid(gid, gid, gid) < 0 ||
		setresuid(uid, uid, uid) < 0)
		return err_sys(e, ST_PERM, errno, "becoming user %s", user);
	if (setuid(0) == 0 || setgid(0) == 0)
		return err_set(e, ST_PERM, "root could be had back");
	return ST_OK;
}

enum status privileges_drop(const char *user, pid_t parent, struct err *e)
{
	static const struct rlimit none = { 0, 0 };
	enum status st = ST_OK;

	if (geteuid() == 0)
		st = become(user, e);
	if (st != ST_OK)
		return st;
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return err_sys(e, ST_PERM, errno, "no core dumps");
	if (!MOAT_SANITIZED) /* the leak checker traces */
		(void)prctl(PR_SET_DUMPABLE, 0);
	/* A change of user clears it, so it comes last. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
		return err_sys(e, ST_PERM, errno, "parent death signal");
	if (parent != 0 && getppid() != parent)
		return err_set(e, ST_PERM, "the supervisor is gone");
	return ST_OK;
}

enum status privileges_give(
	const char *path, uid_t uid, gid_t gid, struct err *e)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	enum status st = ST_OK;
	struct stat s;

	if (fd < 0 || fstat(fd, &s) < 0)
		st = err_sys(e, ST_PERM, errno, "%s", path);
	else if (s.st_uid == 0 &&
		 (S_ISDIR(s.st_mode) ||
			 (S_ISREG(s.st_mode) && s.st_nlink == 1)) &&
		 fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0)
		st = err_sys(e, ST_PERM, errno, "chown %s", path);
	fd_close(&fd);
	return st;
}

enum status privileges_make_dir(
	const char *path, mode_t mode, uid_t uid, gid_t gid, struct err *e)
{
	char part[PATH_MAX_BYTES];
	size_t n = strlen(path);
	bool last;

	if (n >= sizeof(part))
		return err_set(e, ST_LIMIT, "%s: path too long", path);
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		last = i == n;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, last ? mode : 0755) < 0 && errno != EEXIST)
			return err_sys(e, ST_PERM, errno, "mkdir %s", part);
	}
	/* One that root made for us (a package, systemd) becomes the user's. */
	return uid == (uid_t)-1 ? ST_OK : privileges_give(path, uid, gid, e);
}
