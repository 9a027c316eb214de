/* SPDX-License-Identifier: Apache-2.0 */
/*
 * role_policy: what Postfix and Sendmail ask. The substance is outbound/; here
 * it is put together and given its sockets: those of mail servers, and apart
 * from them the operator's.
 */
#include <limits.h>
#include <string.h>

#include "api/policy_settings.h"
#include "api/settings.h"
#include "base/arena.h"
#include "base/bug.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/helper_held.h"
#include "daemon/replaced.h"
#include "daemon/role.h"
#include "daemon/roles.h"
#include "io/fd.h"
#include "io/http_server.h"
#include "io/idn.h"
#include "io/resolv_conf.h"
#include "io/tls_client.h"
#include "outbound/answers.h"
#include "outbound/policy_source.h"
#include "outbound/policy_control.h"
#include "outbound/socketmap_server.h"

#include "base/poison.h"

#define OPERATORS_MAX 64u /* connections to control, and again to metrics */

struct state {
	struct arena *arena;
	const struct settings *set;
	struct replaced replaced;
	struct engine_profile *profiles;
	size_t n_profiles;
	int64_t started_at;
	uint64_t releases;
	struct trouble *trouble;
	struct helper_held *helper; /* NULL: held mail is left alone */
	struct policy_service *service;
	struct answers *answers;
	struct policy_source *source;
	struct socketmap_server *socketmap;
	struct policy_control *control;
	/* Apart, so that who may reach metrics cannot take all places. */
	struct gate *gate, *metrics_gate;
	struct http_server *http, *metrics_http;
};

static void policy_role_close(void **statep)
{
	struct state *s = *statep;

	if (s == NULL)
		return;
	replaced_stop(&s->replaced);
	http_server_free(&s->http);
	http_server_free(&s->metrics_http);
	gate_free(&s->gate);
	gate_free(&s->metrics_gate);
	policy_control_free(&s->control);
	socketmap_server_free(&s->socketmap);
	policy_source_free(&s->source);
	policy_service_free(&s->service);
	answers_free(&s->answers);
	helper_held_stop(&s->helper);
	trouble_free(&s->trouble);
	arena_free(&s->arena);
	mem_free(s);
	*statep = NULL;
}

/* Too much to be allowed: with other programs' keys and passwords. */
static bool is_wide(const char *folder)
{
	return strcmp(folder, "/etc") == 0 || strcmp(folder, "/") == 0;
}

/*
 * What is read again when it is replaced. Landlock binds a rule to the file
 * there is: the folders have to be allowed, as named and as it leads.
 */
static void allow_replaced(
	struct role_env *env, struct state *s, const char *file)
{
	char *folder[2] = { arena_alloc(s->arena, PATH_MAX),
		arena_alloc(s->arena, PATH_MAX) };
	bool narrow = false;

	BUG(folder[0] == NULL || folder[1] == NULL);
	resolv_conf_folders(file, folder[0], folder[1]);
	for (int i = 0; i < 2; i++)
		if (is_wide(folder[i]))
			narrow = true;
		else
			role_allow_read(env, folder[i]);
	if (narrow) {
		role_allow_read(env, file);
		replaced_add(&s->replaced, file);
	}
}

/* Before there are threads, and before the sandbox. */
static enum status start_helper(struct state *s, struct err *e)
{
	struct queue_where where = {
		.commands = settings_str(s->set, "policy.postfix_commands").p,
		.config = settings_str(s->set, "policy.postfix_config").p,
	};

	if (!settings_bool(s->set, "policy.release_held"))
		return ST_OK;
	return helper_held_start(&where, &s->helper, e);
}

static enum status policy_role_open(
	struct role_env *env, void **statep, struct err *e)
{
	struct state *s = mem_must(sizeof(*s));
	struct policy_service_options o;
	struct str folder;
	enum status st;

	mem_large_apart(); /* before the cache and the tables are there */
	*statep = s;
	s->arena = arena_must(0);
	s->set = env->settings;
	s->profiles = policy_settings_profiles(
		env->settings, s->arena, &s->n_profiles);
	o = policy_settings_options(env->settings, s->arena);
	folder = settings_state_path(
		env->settings, s->arena, SETTINGS_POLICY_FOLDER);
	role_read_below(env, folder.p);
	role_write_below(env, folder.p);
	allow_replaced(env, s,
		o.https.ca_file == NULL ? TLS_CLIENT_CA_FILE : o.https.ca_file);
	if (o.dns.root_anchor != NULL && o.dns.root_anchor[0] != '\0')
		allow_replaced(env, s, o.dns.root_anchor);
	if (o.dns.n_servers == 0)
		allow_replaced(env, s, RESOLV_CONF_PATH);
	s->trouble = trouble_new();
	st = start_helper(s, e);
	return st == ST_OK ? policy_service_open(env->loop, &o, &s->service, e)
			   : st;
}

/* ---- what others see of it */

static void metrics_of(struct state *s, struct policy_metrics *m)
{
	struct socketmap_server_stats servers;

	policy_service_metrics(s->service, m);
	socketmap_server_stats(s->socketmap, &servers);
	m->connections = servers.connections;
	m->requests = servers.requests;
	m->hot = servers.hot;
	m->malformed = servers.malformed;
	m->timed_out = servers.timed_out;
	m->started_at = (uint64_t)s->started_at;
	m->trouble = trouble_count(s->trouble);
	m->releases = s->releases;
}

static void write_metrics(void *ctx, struct sbuf *b)
{
	struct policy_metrics m = {};

	metrics_of(ctx, &m);
	policy_metrics_write(b, &m);
}

static const char *dnssec_word(enum dns_dnssec state)
{
	static const char *const words[] = {
		[DNS_DNSSEC_OFF] = "off",
		[DNS_DNSSEC_UNKNOWN] = "not yet tested",
		[DNS_DNSSEC_GOOD] = "good",
		[DNS_DNSSEC_BROKEN] = "broken",
	};

	return words[state];
}

static void write_status(void *ctx, struct json_writer *w)
{
	struct state *s = ctx;
	struct policy_metrics m = {};
	struct err why = {};

	metrics_of(s, &m);
	json_put_int(w, "started_at", s->started_at);
	json_put_z(w, "dnssec",
		dnssec_word(policy_service_dnssec(s->service, &why)));
	json_put_z(w, "dnssec_why", why.text);
	json_put_int(w, "connections", (int64_t)m.connections);
	json_put_int(w, "requests", (int64_t)m.requests);
	json_open_object(w, "cache");
	json_put_int(w, "entries", (int64_t)m.cache.entries);
	json_put_int(w, "rules", (int64_t)m.cache.rules);
	json_put_int(w, "used_bytes", (int64_t)m.cache.used_bytes);
	json_put_int(w, "max_bytes", (int64_t)m.cache.max_bytes);
	json_put_int(w, "waiting", (int64_t)m.cache.waiting);
	json_close_object(w);
	json_open_array(w, "profiles");
	for (size_t i = 0; i < s->n_profiles; i++)
		json_put_str(w, NULL, s->profiles[i].name);
	json_close_array(w);
}

/* ---- start */

static void on_changed(void *ctx, struct str domain)
{
	struct state *s = ctx;

	answers_drop(s->answers, domain);
}

/* Postfix asks anew for each message, and so gets what is right now. */
static void release(struct state *s, struct str domain)
{
	if (s->helper == NULL)
		return;
	s->releases++;
	if (helper_held_ask(s->helper, domain))
		LOG(LOG_INFO, "held.release_asked", KV_STR("domain", domain));
	else
		LOG(LOG_WARN, "held.release_missed", KV_STR("domain", domain));
}

/* What is wrong the engine has just said as a warning. */
static void on_trouble(void *ctx, const struct policy_domain *domain,
	enum engine_trouble reason, bool begins, const char *why)
{
	char text[POLICY_DOMAIN_TEXT_MAX];
	struct sbuf hop = sbuf_fixed(text, sizeof(text));
	struct state *s = ctx;

	policy_domain_write(&hop, domain);
	if (begins)
		trouble_begin(s->trouble, domain, reason, why,
			clock_now(clock_system()).s);
	else if (!trouble_end(s->trouble, domain, reason))
		return;
	LOG(LOG_INFO, begins ? "held.trouble" : "held.trouble_over",
		KV_STR("domain", domain->name),
		KV_STR("next_hop", sbuf_str(&hop)),
		KV_Z("reason", engine_trouble_name(reason)), KV_Z("why", why));
}

static void on_may_go(void *ctx, struct str domain, const char *why)
{
	(void)why;
	release(ctx, domain);
}

static void listen_mail_servers(struct state *s, const struct role_env *env)
{
	unsigned long files = fd_limit_raise() * 3 / 4;
	int64_t max = settings_int(s->set, "policy.connections");
	struct socketmap_server_options o = {
		.loop = env->loop,
		.answers = s->answers,
		.source = policy_source_get(s->source),
	};
	int fd;

	/* Look-ups need descriptors too. */
	o.max_connections = (unsigned)((uint64_t)max > files ? files
							     : (uint64_t)max);
	s->socketmap = socketmap_server_new(&o);
	for (size_t i = 0; (fd = role_fd_at(env, "socketmap", i)) >= 0; i++)
		socketmap_server_listen(s->socketmap, fd);
	fd = role_fd(env, "socketmap-unix");
	if (fd >= 0)
		socketmap_server_listen(s->socketmap, fd);
}

static void listen_operators(struct state *s, const struct role_env *env)
{
	int fd;

	s->gate = gate_new(OPERATORS_MAX, OPERATORS_MAX);
	s->metrics_gate = gate_new(OPERATORS_MAX, OPERATORS_MAX);
	s->http = http_server_new(env->loop, clock_system(), s->gate);
	s->metrics_http = http_server_new(
		env->loop, clock_system(), s->metrics_gate);
	fd = role_fd(env, "control");
	if (fd >= 0)
		http_server_listen(
			s->http, fd, policy_control_serve, s->control);
	for (size_t i = 0; (fd = role_fd_at(env, "metrics", i)) >= 0; i++)
		http_server_listen(s->metrics_http, fd,
			policy_control_serve_metrics, s->control);
}

static enum status policy_role_start(
	struct role_env *env, void *state, struct err *e)
{
	struct state *s = state;
	struct engine_hooks hooks = {
		.ctx = s,
		.changed = on_changed,
		.trouble = on_trouble,
		.may_go = on_may_go,
	};

	(void)e;
	s->started_at = clock_now(clock_system()).s;
	s->answers = answers_new(
		(size_t)settings_int(s->set, "policy.hot_answers"));
	policy_service_start(s->service, &hooks);
	s->source = policy_source_new(&(struct policy_source_options){
		.loop = env->loop,
		.engine = policy_service_engine(s->service),
		.profiles = s->profiles,
		.n_profiles = s->n_profiles,
	});
	s->control = policy_control_new(&(struct policy_control_parts){
		.loop = env->loop,
		.engine = policy_service_engine(s->service),
		.cache = policy_service_cache(s->service),
		.profiles = s->profiles,
		.n_profiles = s->n_profiles,
		.to_ascii = idn_to_ascii,
		.trouble = s->trouble,
		.status = write_status,
		.metrics = write_metrics,
		.ctx = s,
	});
	listen_mail_servers(s, env);
	listen_operators(s, env);
	replaced_start(&s->replaced, env->loop);
	return ST_OK;
}

static const struct role_socket sockets[] = {
	{ "socketmap", "policy.listen", ROLE_TCP },
	{ "socketmap-unix", "policy.socket", ROLE_UNIX },
	{ "control", "/" SETTINGS_POLICY_SOCKET, ROLE_UNIX },
	{ "metrics", "policy.metrics_listen", ROLE_TCP },
	{},
};

const struct role role_policy = {
	.name = "policy",
	.front = true,
	.sandbox = SANDBOX_NET_IN | SANDBOX_NET_OUT | SANDBOX_READ |
		   SANDBOX_WRITE,
	.folder = SETTINGS_POLICY_FOLDER,
	.names_reads = true,
	.sockets = sockets,
	.open = policy_role_open,
	.start = policy_role_start,
	.close = policy_role_close,
};
