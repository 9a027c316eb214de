/* SPDX-License-Identifier: Apache-2.0 */
/* role_process: privileges, sockets, sandbox. */
#include <signal.h>
#include <unistd.h>

#include "api/settings.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/vec.h"
#include "daemon/inherit.h"
#include "daemon/privileges.h"
#include "daemon/role_process.h"
#include "io/fd.h"

#include "base/poison.h"

/*
 * What a role that opens files may read besides its own folders, unless it
 * names what it needs: trust anchors, time zones, resolver addresses.
 */
static const char *const common_paths[] = { "/etc", "/usr/share",
	"/usr/lib/ssl", "/usr/local/share", "/dev/urandom" };

struct paths {
	const char **items;
	size_t n, cap;
};

static void add_path(struct arena *a, struct paths *p, const char *path)
{
	BUG(!VEC_PUSH(a, p, path));
}

int role_fd_at(const struct role_env *env, const char *name, size_t i)
{
	(void)env;
	return inherit_take(name, i);
}

int role_fd(const struct role_env *env, const char *name)
{
	return role_fd_at(env, name, 0);
}

static const char *connects_of(unsigned sandbox)
{
	if ((sandbox & SANDBOX_NET_OUT) != 0)
		return "everywhere";
	return (sandbox & SANDBOX_UNIX_OUT) != 0 ? "unix" : "";
}

static enum status enter_sandbox(
	const struct role_env *env, const struct role *role, struct err *e)
{
	struct arena *a = arena_must(0);
	struct paths read = {}, write = {};
	struct sandbox box = { .allow = env->sandbox };
	enum status st;
	const char *own = settings_str(env->settings, "server.state_dir").p;
	const char *run = settings_str(env->settings, "server.run_dir").p;
	size_t n_common = role->names_reads ? 0
					    : sizeof(common_paths) /
						      sizeof(*common_paths);
	const char *sees = role->no_state      ? NULL
			   : env->sees != NULL ? env->sees
					       : own;

	for (size_t i = 0; i < n_common; i++)
		add_path(a, &read, common_paths[i]);
	if (sees != NULL)
		add_path(a, &read, sees);
	if (!role->names_reads)
		add_path(a, &read, run);
	if ((env->sandbox & SANDBOX_FORK) != 0) {
		add_path(a, &read, "/proc/self/exe");
		add_path(a, &read, "/usr");
		add_path(a, &read, "/lib");
		add_path(a, &read, "/lib64");
	}
	for (size_t i = 0; i < env->n_reads; i++)
		add_path(a, &read, env->reads[i]);
	if ((env->sandbox & SANDBOX_WRITE) != 0)
		add_path(a, &write, env->writes != NULL ? env->writes : own);
	add_path(a, &read, NULL);
	add_path(a, &write, NULL);
	box.read = read.items;
	box.write = write.items;
	st = sandbox_enter(&box, e);
	if (st == ST_OK)
		LOG(LOG_DEBUG, "role.sandboxed", KV_Z("by", sandbox_state()),
			KV_Z("reads", sees != NULL ? sees : ""),
			KV_Z("writes", write.n > 1 ? write.items[0] : ""),
			KV_Z("connects", connects_of(env->sandbox)));
	arena_free(&a);
	return st;
}

enum status role_process_enter(struct role_env *env, const struct role *role,
	void **state, struct err *e)
{
	enum status st;

	env->sandbox = role->sandbox;
	/* A peer that hangs up is an error code, not a signal. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return err_set(e, ST_PERM, "SIGPIPE cannot be ignored");
	st = privileges_drop(settings_str(env->settings, "server.user").p,
		env->supervisor, e);
	if (st == ST_OK && role->front)
		(void)fd_limit_raise();
	if (st == ST_OK && role->open != NULL)
		st = role->open(env, state, e);
	if (st == ST_OK)
		st = enter_sandbox(env, role, e);
	return st;
}

void role_allow_read(struct role_env *env, const char *path)
{
	BUG(env->n_reads == ROLE_READS_MAX);
	if (path != NULL && path[0] != '\0')
		env->reads[env->n_reads++] = path;
}

void role_read_below(struct role_env *env, const char *path)
{
	env->sees = path;
}

void role_write_below(struct role_env *env, const char *path)
{
	env->writes = path;
}

void role_give_up(struct role_env *env, unsigned sandbox)
{
	env->sandbox &= ~sandbox;
}

void role_process_ready(void)
{
	int fd = inherit_take("ready", 0);

	if (fd >= 0 && write(fd, "1", 1) != 1)
		LOG(LOG_WARN, "role.unheard");
	fd_close(&fd);
}
