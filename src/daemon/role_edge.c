/* SPDX-License-Identifier: Apache-2.0 */
/* role_edge: HTTPS and HTTP towards strangers; the substance is hosting/edge.
 */
#include "api/settings.h"
#include "base/mem.h"
#include "daemon/report_settings.h"
#include "daemon/role.h"
#include "daemon/roles.h"
#include "hosting/edge.h"
#include "io/fd.h"

#include "base/poison.h"

struct state {
	struct arena *arena; /* of paths */
	struct view *view;
	struct spool *spool;
	struct crypto_key *seal;
	struct edge *edge;
	struct edge_options options;
};

static void edge_role_close(void **statep)
{
	struct state *s = *statep;

	if (s == NULL)
		return;
	edge_free(&s->edge);
	view_close(&s->view);
	spool_close(&s->spool);
	crypto_key_free(&s->seal);
	arena_free(&s->arena);
	mem_free(s);
	*statep = NULL;
}

static int64_t ms_of(const struct settings *set, const char *key)
{
	return settings_int(set, key) * 1000;
}

static struct edge_options options_of(const struct settings *set)
{
	unsigned long files = fd_limit_raise() * 3 / 4;
	int64_t max = settings_int(set, "edge.connections");

	/* Running out of descriptors must not be a stranger's choice. */
	if ((uint64_t)max > files)
		max = (int64_t)files;
	return (struct edge_options){
		.max_connections = (unsigned)max,
		.max_per_address = (unsigned)settings_int(
			set, "edge.connections_per_address"),
		.cert_cache = (size_t)settings_int(
			set, "edge.certificate_cache"),
		.head_ms = ms_of(set, "edge.head_time"),
		.idle_ms = ms_of(set, "edge.idle_time"),
		.body_ms = ms_of(set, "edge.body_time"),
		.report_bytes = (uint64_t)settings_int(set, "report.max_size"),
		.report_memory_bytes = (uint64_t)settings_int(
			set, "report.memory"),
		.per_id = report_quota(
			set, "report.per_id", "report.per_id_size"),
		.per_source = report_quota(
			set, "report.per_address", "report.per_address_size"),
	};
}

static enum status edge_role_open(
	struct role_env *env, void **statep, struct err *e)
{
	const struct settings *set = env->settings;
	struct spool_limits limits = report_spool_limits(set);
	struct state *s = mem_must(sizeof(*s));
	struct str admin, seal, spool, view;
	enum status st;

	*statep = s;
	s->arena = arena_must(0);
	seal = settings_seal_key(set, s->arena);
	view = settings_state_path(set, s->arena, SETTINGS_VIEW);
	spool = settings_state_path(set, s->arena, SETTINGS_SPOOL);
	admin = settings_run_path(set, s->arena, SETTINGS_ADMIN_SOCKET);
	s->options = options_of(set);
	if (settings_bool(set, "console.forward"))
		s->options.console_socket = admin.p;
	else
		role_give_up(env, SANDBOX_UNIX_OUT);
	/* Whoever takes it over must not see the database and the keys, nor
	 * write the view. */
	role_read_below(env,
		settings_state_path(set, s->arena, SETTINGS_VIEW_FOLDER).p);
	role_write_below(env, spool.p);
	st = crypto_key_open(seal.p, &s->seal, e);
	if (st == ST_OK)
		st = view_open(view.p, NULL, &s->view, e);
	if (st == ST_OK)
		st = spool_open(spool.p, &limits, &s->spool, e);
	return st;
}

static void listen_all(struct edge *edge, const struct role_env *env,
	const char *name, bool tls)
{
	int fd;

	for (size_t i = 0; (fd = role_fd_at(env, name, i)) >= 0; i++)
		edge_listen(edge, fd, tls);
}

static enum status edge_role_start(
	struct role_env *env, void *state, struct err *e)
{
	struct state *s = state;
	struct edge_parts parts = {
		.loop = env->loop,
		.clock = clock_system(),
		.view = s->view,
		.spool = s->spool,
		.seal = s->seal,
	};

	(void)e;
	s->edge = edge_new(&parts, &s->options);
	listen_all(s->edge, env, "https", true);
	listen_all(s->edge, env, "http", false);
	return ST_OK;
}

static const struct role_socket sockets[] = {
	{ "https", "edge.https", ROLE_TCP },
	{ "http", "edge.http", ROLE_TCP },
	{},
};

const struct role role_edge = {
	.name = "edge",
	.front = true,
	.sandbox = SANDBOX_NET_IN | SANDBOX_UNIX_OUT | SANDBOX_READ |
		   SANDBOX_WRITE,
	.sockets = sockets,
	.workers = "edge.workers",
	.open = edge_role_open,
	.start = edge_role_start,
	.close = edge_role_close,
};
