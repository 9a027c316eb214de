/* SPDX-License-Identifier: Apache-2.0 */
/*
 * role_probe: looks at the world for those who hold data and keys. It holds
 * nothing itself: no database, no key, no view.
 */

#include "api/settings.h"
#include "base/mem.h"
#include "check/probe_server.h"
#include "daemon/resolver_settings.h"
#include "daemon/roles.h"
#include "io/fd.h"

#include "base/poison.h"

struct state {
	struct arena *arena;
	struct probe_options options;
	int listen_fd;
};

static enum status open_probe(struct role_env *env, void **state, struct err *e)
{
	struct state *s = mem_must(sizeof(*s));
	const struct settings *set = env->settings;

	*state = s;
	s->arena = arena_must(0);
	s->listen_fd = role_fd(env, "probe");
	s->options = (struct probe_options){
		.allow_private = settings_bool(set, "probe.allow_private"),
		.dns_port = (uint16_t)settings_int(set, "probe.dns_port"),
		.http_port = (uint16_t)settings_int(set, "probe.http_port"),
		.https_port = (uint16_t)settings_int(set, "probe.https_port"),
		.ca_file = settings_z(set, "probe.ca_file"),
		.timeout_ms = (int)settings_int(set, "probe.timeout") * 1000,
	};
	role_allow_read(env, s->options.ca_file);
	if (s->listen_fd < 0)
		return err_set(e, ST_PERM, "no socket was handed in");
	s->options.resolver = resolver_settings_read(env, s->arena);
	return ST_OK;
}

static enum status start(struct role_env *env, void *state, struct err *e)
{
	struct state *s = state;

	return probe_server_run(
		&s->options, s->listen_fd, role_stop_fd(env), e);
}

static void close_probe(void **state)
{
	struct state *s = *state;

	if (s == NULL)
		return;
	fd_close(&s->listen_fd);
	arena_free(&s->arena);
	mem_free(s);
	*state = NULL;
}

static const struct role_socket sockets[] = {
	{ "probe", "/" SETTINGS_PROBE_SOCKET, ROLE_UNIX },
	{},
};

const struct role role_probe = {
	.name = "probe",
	.sandbox = SANDBOX_NET_IN | SANDBOX_NET_OUT | SANDBOX_READ,
	.no_state = true,
	.sockets = sockets,
	.open = open_probe,
	.start = start,
	.close = close_probe,
};
