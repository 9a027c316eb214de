/* SPDX-License-Identifier: Apache-2.0 */
/*
 * role_acme: orders and renewals of certificates. It asks the database what is
 * due and hands that to hosting/cert_pool; the substance is in hosting/acme_*
 * and hosting/cert_*.
 */
#include <string.h>

#include "api/settings.h"
#include "base/bug.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "daemon/role.h"
#include "daemon/roles.h"
#include "hosting/acme_challenge.h"
#include "hosting/acme_client.h"
#include "hosting/cert_env.h"
#include "hosting/cert_exec.h"
#include "hosting/cert_pool.h"
#include "io/crypto.h"
#include "io/probe_client.h"
#include "store/store.h"

#include "base/poison.h"

#define LOOK_MS 250
#define RENEW_LOOKS 20 /* renewals are looked for every so many looks */
#define DUE_AT_ONCE 100
#define AGENT "moat/" MOAT_VERSION

struct state {
	struct arena *arena; /* of the configuration */
	struct store *store; /* to look what is due */
	struct crypto_key *seal;
	struct crypto_secret *eab_key;
	struct cert_exec *exec;
	struct probe_client probe;
	struct cert_config config;
	struct cert_env *workers;
	size_t n;
};

static void acme_role_close(void **statep)
{
	struct state *s = *statep;

	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++) {
		acme_account_fini(&s->workers[i].account);
		acme_client_free(&s->workers[i].client);
		store_close(&s->workers[i].store);
	}
	mem_free(s->workers);
	store_close(&s->store);
	cert_exec_stop(&s->exec);
	crypto_secret_free(&s->eab_key);
	crypto_key_free(&s->seal);
	arena_free(&s->arena);
	mem_free(s);
	*statep = NULL;
}

static enum cert_source source_of(const struct settings *set)
{
	struct str name = settings_str(set, "cert.source");

	for (int i = CERT_SOURCE_ACME; i < CERT_SOURCE_EXEC; i++)
		if (str_eq(name, str_of(cert_source_name(i))))
			return (enum cert_source)i;
	return CERT_SOURCE_EXEC;
}

/* "acme.contact" as URIs: an address becomes mailto:. */
static void set_contacts(struct state *s, const struct settings *set)
{
	struct acme_account_options *o = &s->config.account;
	const struct str *given;
	size_t n;

	given = settings_list(set, "acme.contact", &n);
	o->contacts = arena_array(s->arena, n + 1, sizeof(*o->contacts));
	BUG(o->contacts == NULL);
	for (size_t i = 0; i < n; i++)
		o->contacts[i] = arena_fmt(s->arena, "%s%.*s",
			str_index(given[i], ':') < 0 ? "mailto:" : "",
			STR_ARG(given[i]));
	o->n_contacts = n;
}

static enum status set_challenges(
	struct state *s, const struct settings *set, struct err *e)
{
	const struct str *given;
	size_t n;

	given = settings_list(set, "acme.challenges", &n);
	for (size_t i = 0; i < n; i++) {
		enum acme_challenge_kind k = acme_challenge_parse(given[i]);

		if (k == ACME_CHALLENGES)
			return err_set(e, ST_INVALID,
				"acme.challenges: \"%.*s\" is none of http-01, "
				"tls-alpn-01, dns-01",
				STR_ARG(given[i]));
		s->config.challenges |= 1u << k;
	}
	return ST_OK;
}

/* Console and report host get their certificates in the same way. */
static void set_system_hosts(struct state *s, const struct settings *set)
{
	static const char *const keys[] = { "console.host", "report.host" };
	struct cert_config *c = &s->config;

	c->system_hosts = arena_array(s->arena, 2, sizeof(*c->system_hosts));
	BUG(c->system_hosts == NULL);
	for (size_t i = 0; i < 2; i++) {
		struct str host = settings_str(set, keys[i]);

		if (host.n > 0)
			c->system_hosts[c->n_system_hosts++] = host;
	}
}

static enum status set_config(
	struct state *s, const struct settings *set, struct err *e)
{
	struct cert_config *c = &s->config;

	c->source = source_of(set);
	c->key_type = str_eq(settings_str(set, "cert.key_type"), STR("rsa"))
			      ? PKI_RSA2048
			      : PKI_P256;
	c->files_dir = settings_z(set, "cert.files");
	c->local_ca_file = settings_state_path(set, s->arena, "local-ca.pem").p;
	c->account.directory = settings_str(set, "acme.directory");
	c->account.agree_terms = settings_bool(set, "acme.agree_terms");
	c->account.eab_kid = settings_str(set, "acme.eab_kid");
	c->profile = settings_str(set, "acme.profile");
	c->limits = settings_bool(set, "acme.limits");
	c->preflight = settings_bool(set, "acme.preflight");
	c->zone = settings_str(set, "dns.zone");
	c->secondaries = settings_list(set, "dns.notify", &c->n_secondaries);
	set_contacts(s, set);
	set_system_hosts(s, set);
	if (c->source == CERT_SOURCE_FILES && c->files_dir == NULL)
		return err_set(
			e, ST_INVALID, "cert.source = files needs cert.files");
	return set_challenges(s, set, e);
}

/*
 * Everything secret is read now: the sandbox will not let it be opened. The
 * helper is forked first, so that it holds nothing of it.
 */
static enum status open_secrets(
	struct state *s, const struct settings *set, struct err *e)
{
	struct str seal = settings_seal_key(set, s->arena);
	const char *eab = settings_z(set, "acme.eab_key_file");
	const char *command = settings_z(set, "cert.exec");
	enum status st = ST_OK;

	if (s->config.source == CERT_SOURCE_EXEC && command == NULL)
		return err_set(
			e, ST_INVALID, "cert.source = exec needs cert.exec");
	if (s->config.account.eab_kid.n > 0 && eab == NULL)
		return err_set(
			e, ST_INVALID, "acme.eab_kid needs acme.eab_key_file");
	if (s->config.source == CERT_SOURCE_EXEC)
		st = cert_exec_start(command, CERT_EXEC_TIMEOUT_S, &s->exec, e);
	if (st == ST_OK)
		st = crypto_key_open(seal.p, &s->seal, e);
	if (st == ST_OK && s->config.account.eab_kid.n > 0)
		st = crypto_secret_open(eab, &s->eab_key, e);
	s->config.account.eab_key = s->eab_key;
	return st;
}

static bool stop_asked(void *ctx)
{
	return role_stopping(ctx);
}

static enum status open_workers(struct state *s, struct role_env *env,
	const char *database, struct err *e)
{
	const struct settings *set = env->settings;
	struct acme_client_options o = {
		.directory = s->config.account.directory,
		.ca_file = settings_z(set, "acme.ca_file"),
		.user_agent = AGENT,
		.clock = clock_system(),
		.stop = stop_asked,
		.stop_ctx = env,
	};
	enum status st = ST_OK;

	s->n = (size_t)settings_int(set, "acme.workers");
	s->workers = mem_must(s->n * sizeof(*s->workers));
	for (size_t i = 0; st == ST_OK && i < s->n; i++) {
		struct cert_env *w = &s->workers[i];

		w->seal = s->seal;
		w->clock = clock_system();
		w->config = &s->config;
		w->probe = &s->probe;
		w->exec = s->exec;
		w->client = acme_client_new(&o);
		st = store_open(database, &w->store, e);
	}
	return st;
}

static enum status acme_role_open(
	struct role_env *env, void **statep, struct err *e)
{
	const struct settings *set = env->settings;
	struct state *s = mem_must(sizeof(*s));
	const char *database;
	enum status st;

	*statep = s;
	s->arena = arena_must(0);
	database = settings_state_path(set, s->arena, SETTINGS_DATABASE).p;
	s->probe.path =
		settings_run_path(set, s->arena, SETTINGS_PROBE_SOCKET).p;
	s->probe.stop_fd = role_stop_fd(env);
	st = set_config(s, set, e);
	if (st == ST_OK)
		st = open_secrets(s, set, e);
	if (st == ST_OK)
		st = store_open(database, &s->store, e);
	if (st == ST_OK)
		st = open_workers(s, env, database, e);
	role_allow_read(env, settings_z(set, "acme.ca_file"));
	role_allow_read(env, s->config.files_dir);
	return st;
}

/* Hands what is due to the pool. */
static void look(struct state *s, struct cert_pool *pool, struct arena *a)
{
	int64_t now = clock_now(clock_system()).s;
	struct store_acme_order *due = NULL;
	struct err e = {};
	size_t n = 0;

	arena_reset(a);
	if (store_acme_order_due(s->store, a, now, DUE_AT_ONCE, &due, &n, &e) !=
		ST_OK)
		LOG(LOG_WARN, "acme.store", KV_Z("reason", e.text));
	for (size_t i = 0; i < n; i++)
		cert_pool_ask(pool, due[i].id);
}

static enum status acme_role_start(
	struct role_env *env, void *state, struct err *e)
{
	struct state *s = state;
	struct cert_pool *pool = cert_pool_start(s->workers, s->n);
	struct arena *a = arena_must(0);

	(void)e;
	for (unsigned i = 0; !role_wait(env, LOOK_MS); i++) {
		look(s, pool, a);
		if (i % RENEW_LOOKS == 0)
			cert_pool_ask(pool, STR(""));
	}
	cert_pool_stop(&pool);
	arena_free(&a);
	return ST_OK;
}

const struct role role_acme = {
	.name = "acme",
	.sandbox = SANDBOX_NET_OUT | SANDBOX_UNIX_OUT | SANDBOX_READ |
		   SANDBOX_WRITE,
	.open = acme_role_open,
	.start = acme_role_start,
	.close = acme_role_close,
};
