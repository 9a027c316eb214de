/* SPDX-License-Identifier: Apache-2.0 */
/* role_lmtp: report mail from a mail server; the substance is
 * intake/lmtp_server. */
#include "api/settings.h"
#include "base/bug.h"
#include "base/mem.h"
#include "daemon/report_settings.h"
#include "daemon/roles.h"
#include "intake/lmtp_server.h"
#include "io/fd.h"
#include "store/store.h"

#include "base/poison.h"

struct state {
	struct arena *arena; /* of paths and mailboxes */
	struct view *view;
	struct spool *spool;
	struct lmtp_server *server;
	struct lmtp_server_options options;
};

static void lmtp_role_close(void **statep)
{
	struct state *s = *statep;

	if (s == NULL)
		return;
	lmtp_server_free(&s->server);
	view_close(&s->view);
	spool_close(&s->spool);
	arena_free(&s->arena);
	mem_free(s);
	*statep = NULL;
}

static int64_t ms_of(const struct settings *set, const char *key)
{
	return settings_int(set, key) * 1000;
}

static struct lmtp_server_options options_of(const struct settings *set)
{
	unsigned long files = fd_limit_raise() * 3 / 4;
	int64_t max = settings_int(set, "lmtp.connections");

	if ((uint64_t)max > files)
		max = (int64_t)files;
	return (struct lmtp_server_options){
		.host = settings_str(set, "report.host").p,
		.max_connections = (unsigned)max,
		.command_ms = ms_of(set, "lmtp.command_time"),
		.message_ms = ms_of(set, "lmtp.message_time"),
		.session_ms = ms_of(set, "lmtp.session_time"),
		.report_bytes = (uint64_t)settings_int(set, "report.max_size"),
		.memory_bytes = (uint64_t)settings_int(set, "report.memory"),
		.per_id = report_quota(
			set, "report.per_id", "report.per_id_size"),
		.per_client = report_quota(
			set, "lmtp.per_client", "lmtp.per_client_size"),
	};
}

static enum status read_mailboxes(
	struct state *s, const struct settings *set, struct err *e)
{
	size_t n;
	const struct str *list = settings_list(set, "lmtp.mailboxes", &n);
	struct lmtp_mailbox *m = arena_array(s->arena, n + 1, sizeof(*m));

	BUG(m == NULL);
	for (size_t i = 0; i < n; i++) {
		if (!lmtp_mailbox_parse(list[i], &m[i]))
			return err_set(e, ST_INVALID,
				"lmtp.mailboxes: \"%s\" is not ADDRESS or "
				"ADDRESS=TENANT",
				list[i].p);
		if (m[i].tenant.n == 0)
			m[i].tenant = STORE_TENANT_DEFAULT;
	}
	s->options.mailboxes = m;
	s->options.n_mailboxes = n;
	return ST_OK;
}

static enum status lmtp_role_open(
	struct role_env *env, void **statep, struct err *e)
{
	const struct settings *set = env->settings;
	struct spool_limits limits = report_spool_limits(set);
	struct state *s = mem_must(sizeof(*s));
	struct str spool, view;
	enum status st;

	*statep = s;
	s->arena = arena_must(0);
	view = settings_state_path(set, s->arena, SETTINGS_VIEW);
	spool = settings_state_path(set, s->arena, SETTINGS_SPOOL);
	s->options = options_of(set);
	/* Whoever takes it over must see neither database nor keys. */
	role_read_below(env,
		settings_state_path(set, s->arena, SETTINGS_VIEW_FOLDER).p);
	role_write_below(env, spool.p);
	st = read_mailboxes(s, set, e);
	if (st == ST_OK)
		st = view_open(view.p, NULL, &s->view, e);
	if (st == ST_OK)
		st = spool_open(spool.p, &limits, &s->spool, e);
	return st;
}

static void listen_all(struct lmtp_server *server, const struct role_env *env,
	const char *name)
{
	int fd;

	for (size_t i = 0; (fd = role_fd_at(env, name, i)) >= 0; i++)
		lmtp_server_listen(server, fd);
}

static enum status lmtp_role_start(
	struct role_env *env, void *state, struct err *e)
{
	struct state *s = state;
	struct lmtp_server_parts parts = {
		.loop = env->loop,
		.clock = clock_system(),
		.view = s->view,
		.spool = s->spool,
	};

	(void)e;
	s->server = lmtp_server_new(&parts, &s->options);
	listen_all(s->server, env, "lmtp");
	listen_all(s->server, env, "lmtp-local");
	return ST_OK;
}

static const struct role_socket sockets[] = {
	{ "lmtp", "lmtp.listen", false },
	{ "lmtp-local", "/" SETTINGS_LMTP_SOCKET, false },
	{},
};

const struct role role_lmtp = {
	.name = "lmtp",
	.front = true,
	.sandbox = SANDBOX_NET_IN | SANDBOX_READ | SANDBOX_WRITE,
	.sockets = sockets,
	.open = lmtp_role_open,
	.start = lmtp_role_start,
	.close = lmtp_role_close,
};
