/* SPDX-License-Identifier: Apache-2.0 */
/* acme_preflight: questions to the probe role. */
#include "hosting/acme_preflight.h"

#include "hosting/acme_challenge.h"
#include "io/probe_client.h"
#include "store/store.h"

#include "base/poison.h"

static enum status told(
	const struct probe_finding *f, const char *what, struct err *e)
{
	if (f->result == PROBE_PASS)
		return ST_OK;
	return err_set(e, f->result == PROBE_FAIL ? ST_INVALID : ST_TEMP,
		"%s: %.*s", what, STR_ARG(f->detail));
}

/* The name the customer points to us, and where. */
static enum status check_cname(const struct cert_env *env, struct arena *a,
	const struct store_domain *d, struct str host,
	enum acme_challenge_kind k, struct err *e)
{
	const char *label = k == ACME_DNS01 ? "_acme-challenge." : "";
	struct probe_finding f;

	if (d->proof == STORE_PROOF_TXT)
		return ST_OK; /* own addresses: the HTTP probe decides */
	probe_cname(env->probe, a, arena_fmt(a, "%s%.*s", label, STR_ARG(host)),
		arena_fmt(a, "%s%.*s.%.*s", label, STR_ARG(d->label),
			STR_ARG(env->config->zone)),
		&f);
	return told(&f, "CNAME", e);
}

/* One of the CA's names in the CAA records, or none of them at all. */
static enum status check_caa(const struct cert_env *env, struct arena *a,
	struct str host, enum acme_challenge_kind k,
	const struct acme_directory *d, struct err *e)
{
	enum status st = ST_OK;
	struct probe_finding f;

	for (size_t i = 0; i < d->n_caa; i++) {
		probe_caa(env->probe, a, host, d->caa[i], env->account.kid,
			str_of(acme_challenge_name(k)), &f);
		st = told(&f, "CAA", e);
		if (st != ST_INVALID)
			return st;
	}
	return st;
}

static enum status check_http(const struct cert_env *env, struct arena *a,
	struct str host, const struct acme_http_probe *p, struct err *e)
{
	struct probe_finding f;

	probe_http(env->probe, a, host,
		arena_fmt(a, "/.well-known/acme-challenge/%.*s",
			STR_ARG(p->token)),
		p->value, &f);
	return told(&f, "port 80", e);
}

enum status acme_preflight(const struct cert_env *env, struct arena *a,
	const struct cert_subject *subject, struct str host,
	enum acme_challenge_kind k, const struct acme_directory *d,
	const struct acme_http_probe *probe, struct err *e)
{
	enum status st = ST_OK;

	if (!subject->system)
		st = check_cname(env, a, &subject->domain, host, k, e);
	if (st == ST_OK)
		st = check_caa(env, a, host, k, d, e);
	if (st == ST_OK && probe->token.n > 0)
		st = check_http(env, a, host, probe, e);
	return st;
}

/* The newest serial that a living node's view shows. */
static enum status zone_serial(const struct cert_env *env, struct arena *a,
	uint32_t *out, struct err *e)
{
	int64_t now = clock_now(env->clock).s;
	struct store_node *nodes = NULL;
	size_t n = 0;
	enum status st = store_node_list(env->store, a, &nodes, &n, e);

	if (st != ST_OK)
		return st;
	for (size_t i = 0; i < n; i++)
		if (nodes[i].seen >= now - STORE_NODE_DEAD_S) {
			*out = (uint32_t)nodes[i].zone_serial;
			return ST_OK;
		}
	return err_set(e, ST_AGAIN, "no node is alive");
}

enum status acme_preflight_secondaries(
	const struct cert_env *env, struct arena *a, struct err *e)
{
	const struct cert_config *c = env->config;
	struct probe_finding f;
	uint32_t serial = 0;
	enum status st;

	if (c->n_secondaries == 0 || env->probe == NULL)
		return ST_OK;
	st = zone_serial(env, a, &serial, e);
	if (st != ST_OK)
		return st;
	probe_soa(env->probe, a, c->zone, c->secondaries, c->n_secondaries,
		serial, &f);
	if (f.result == PROBE_PASS)
		return ST_OK;
	return err_set(e, ST_AGAIN, "waiting for the secondaries: %.*s",
		STR_ARG(f.detail));
}
