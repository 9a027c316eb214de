/* SPDX-License-Identifier: Apache-2.0 */
/* role_console: the API on the admin socket; the substance is api/. */
#include "api/api_server.h"
#include "api/settings.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/roles.h"
#include "io/crypto.h"
#include "io/fd.h"
#include "io/spool.h"
#include "store/store.h"

#include "base/poison.h"

struct state {
	struct arena *arena; /* of paths */
	int listen_fd, stop_fd;
	/* Each thread has its own connection to the database. */
	struct api_env envs[API_THREADS];
	struct crypto_secret *hook_key;
};

static enum status open_env(struct state *s, struct api_env *env, struct err *e)
{
	const struct settings *set = env->settings;
	struct str db = settings_state_path(set, s->arena, SETTINGS_DATABASE);
	struct str spool = settings_state_path(set, s->arena, SETTINGS_SPOOL);
	enum status st;

	env->probe.path =
		settings_run_path(set, s->arena, SETTINGS_PROBE_SOCKET).p;
	env->probe.stop_fd = s->stop_fd;
	st = store_open(db.p, &env->store, e);
	if (st == ST_OK)
		st = spool_open(spool.p, &SPOOL_LIMITS_DEFAULT, &env->spool, e);
	return st;
}

/* Without the key there is a console all the same, but no new webhook. */
static void open_hook_key(struct state *s, const struct settings *set)
{
	const char *path = settings_z(set, "alert.webhook_key_file");
	struct err e = {};

	if (path != NULL &&
		crypto_secret_open_text(path, &s->hook_key, &e) != ST_OK)
		LOG(LOG_WARN, "console.no_webhook_key", KV_Z("reason", e.text));
}

static enum status open_console(
	struct role_env *env, void **state, struct err *e)
{
	struct state *s = mem_must(sizeof(*s));
	enum status st = ST_OK;

	*state = s;
	s->arena = arena_must(0);
	s->stop_fd = role_stop_fd(env);
	s->listen_fd = role_fd(env, "admin");
	if (s->listen_fd < 0)
		return err_set(e, ST_PERM, "no socket was handed in");
	open_hook_key(s, env->settings);
	for (size_t i = 0; st == ST_OK && i < API_THREADS; i++) {
		s->envs[i].settings = env->settings;
		s->envs[i].hook_key = s->hook_key;
		st = open_env(s, &s->envs[i], e);
	}
	return st;
}

static enum status start(struct role_env *env, void *state, struct err *e)
{
	struct state *s = state;

	return api_server_run(s->envs, s->listen_fd, role_stop_fd(env), e);
}

static void close_console(void **state)
{
	struct state *s = *state;

	if (s == NULL)
		return;
	for (size_t i = 0; i < API_THREADS; i++) {
		store_close(&s->envs[i].store);
		spool_close(&s->envs[i].spool);
	}
	crypto_secret_free(&s->hook_key);
	fd_close(&s->listen_fd);
	arena_free(&s->arena);
	mem_free(s);
	*state = NULL;
}

static const struct role_socket sockets[] = {
	{ "admin", "/" SETTINGS_ADMIN_SOCKET, ROLE_UNIX },
	{},
};

const struct role role_console = {
	.name = "console",
	.sandbox = SANDBOX_NET_IN | SANDBOX_UNIX_OUT | SANDBOX_READ |
		   SANDBOX_WRITE,
	.sockets = sockets,
	.open = open_console,
	.start = start,
	.close = close_console,
};
