/* SPDX-License-Identifier: Apache-2.0 */
/*
 * role_keeper: the only writer of the view. The substance is in hosting/keeper
 * (changes, clockwork) and hosting/keeper_checks (proofs, MX lists).
 */
#include "api/settings.h"
#include "base/bug.h"
#include "base/mem.h"
#include "daemon/role.h"
#include "daemon/roles.h"
#include "hosting/keeper.h"
#include "hosting/keeper_checks.h"
#include "io/addr.h"

#include "base/poison.h"

struct state {
	struct arena *arena; /* of the configuration */
	const char *database;
	struct store *store;
	struct zone_config zone;
	struct cert_config cert;
	struct probe_client probe;
	struct keeper_options options;
	struct keeper *keeper;
};

static void keeper_role_close(void **statep)
{
	struct state *s = *statep;

	if (s == NULL)
		return;
	keeper_close(&s->keeper);
	store_close(&s->store);
	arena_free(&s->arena);
	mem_free(s);
	*statep = NULL;
}

/* "192.0.2.1" as the bytes of an A or AAAA record. */
static enum status address_of(struct arena *a, struct str text,
	struct zone_address *out, struct err *e)
{
	struct addr addr;

	/* A port is asked for and not used. */
	if (addr_parse(text, 1, &addr) != ST_OK)
		return err_set(e, ST_INVALID, "%.*s: not an IP address",
			STR_ARG(str_upto(text, 100)));
	out->bytes = arena_str(a, addr_bytes(&addr));
	return ST_OK;
}

static enum status set_edge(
	struct state *s, const struct settings *set, struct err *e)
{
	struct zone_config *z = &s->zone;
	enum status st = ST_OK;
	const struct str *given;

	given = settings_list(set, "edge.addresses", &z->n_edge);
	z->edge = arena_array(s->arena, z->n_edge, sizeof(*z->edge));
	BUG(z->edge == NULL);
	for (size_t i = 0; st == ST_OK && i < z->n_edge; i++)
		st = address_of(s->arena, given[i], &z->edge[i], e);
	return st;
}

/* "NAME=ADDRESS" of dns.name_server_addresses. */
static enum status set_servers(
	struct state *s, const struct settings *set, struct err *e)
{
	struct zone_config *z = &s->zone;
	enum status st = ST_OK;
	const struct str *given;
	size_t n;

	given = settings_list(set, "dns.name_servers", &z->n_name_servers);
	z->name_servers = arena_array(
		s->arena, z->n_name_servers, sizeof(*z->name_servers));
	BUG(z->name_servers == NULL);
	for (size_t i = 0; i < z->n_name_servers; i++)
		z->name_servers[i] = given[i];
	given = settings_list(set, "dns.name_server_addresses", &n);
	z->server_addresses = arena_array(
		s->arena, n, sizeof(*z->server_addresses));
	BUG(z->server_addresses == NULL);
	for (size_t i = 0; st == ST_OK && i < n; i++) {
		struct str text = given[i];
		struct str name = str_cut(&text, '=');

		z->server_addresses[i].name = name;
		st = text.p != NULL
			     ? address_of(s->arena, text,
				       &z->server_addresses[i], e)
			     : err_set(e, ST_INVALID,
				       "dns.name_server_addresses: %.*s is not "
				       "NAME=ADDRESS",
				       STR_ARG(str_upto(name, 100)));
	}
	z->n_server_addresses = n;
	return st;
}

static enum status set_config(
	struct state *s, const struct settings *set, struct err *e)
{
	enum status st;

	s->zone.origin = settings_str(set, "dns.zone");
	s->zone.hostmaster = settings_str(set, "dns.hostmaster");
	s->zone.report_host = settings_str(set, "report.host");
	s->zone.console_host = settings_str(set, "console.host");
	s->cert.account.directory = settings_str(set, "acme.directory");
	s->cert.profile = settings_str(set, "acme.profile");
	s->probe.path =
		settings_run_path(set, s->arena, SETTINGS_PROBE_SOCKET).p;
	s->database = settings_state_path(set, s->arena, SETTINGS_DATABASE).p;
	s->options = (struct keeper_options){
		.view_path =
			settings_state_path(set, s->arena, SETTINGS_VIEW).p,
		.view = VIEW_WRITER_DEFAULTS,
		.zone = &s->zone,
		.report_keep_s = settings_int(set, "report.keep"),
		.report_totals_s = settings_int(set, "report.keep_totals"),
		.clock = clock_system(),
	};
	s->options.view.max_bytes = (uint64_t)settings_int(
		set, "server.view_max_size");
	if (str_eq(settings_str(set, "cert.source"), STR("acme")))
		s->options.acme_directory =
			settings_str(set, "acme.directory").p;
	st = set_edge(s, set, e);
	return st == ST_OK ? set_servers(s, set, e) : st;
}

static enum status keeper_role_open(
	struct role_env *env, void **statep, struct err *e)
{
	struct state *s = mem_must(sizeof(*s));
	enum status st;

	*statep = s;
	s->arena = arena_must(0);
	s->probe.stop_fd = role_stop_fd(env);
	st = set_config(s, env->settings, e);
	if (st == ST_OK)
		st = store_open(s->database, &s->store, e);
	if (st == ST_OK)
		st = keeper_open(s->store, &s->options, &s->keeper, e);
	return st;
}

static enum status keeper_role_start(
	struct role_env *env, void *state, struct err *e)
{
	struct state *s = state;
	struct keeper_checks_options options = {
		.database = s->database,
		.probe = &s->probe,
		.zone = &s->zone,
		.cert = &s->cert,
		.clock = clock_system(),
	};
	struct keeper_checks *checks = NULL;
	enum status st;

	st = keeper_checks_start(&options, KEEPER_CHECK_THREADS, &checks, e);
	if (st != ST_OK)
		return st;
	do
		keeper_step(s->keeper);
	while (!role_wait(env, KEEPER_LOOK_MS));
	keeper_checks_stop(&checks);
	return ST_OK;
}

const struct role role_keeper = {
	.name = "keeper",
	.sandbox = SANDBOX_UNIX_OUT | SANDBOX_READ | SANDBOX_WRITE,
	.open = keeper_role_open,
	.start = keeper_role_start,
	.close = keeper_role_close,
};
