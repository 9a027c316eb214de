/* SPDX-License-Identifier: Apache-2.0 */
/* acme_step_issue: from a valid authorization to a stored certificate. */
#include "base/base64.h"
#include "base/json.h"
#include "base/log.h"
#include "hosting/acme_limits.h"
#include "hosting/acme_step.h"
#include "hosting/cert_install.h"
#include "io/pki.h"

#include "base/poison.h"

#define PAYLOAD_MAX 8192u

/* Goes on from what the CA says the order is. */
static enum status follow(
	struct acme_step *x, const struct acme_order_info *info, struct err *e)
{
	switch (info->state) {
	case ACME_VALID:
		x->o->cert_url = info->certificate;
		return acme_step_move(x, STORE_ORDER_ISSUED, e);
	case ACME_PROCESSING:
		if (x->o->state == STORE_ORDER_FINALIZING)
			return acme_step_wait(x, e);
		return acme_step_move(x, STORE_ORDER_FINALIZING, e);
	case ACME_READY:
		if (x->o->state == STORE_ORDER_READY)
			return ST_OK;
		return acme_step_wait(x, e);
	case ACME_PENDING:
		return acme_step_wait(x, e);
	case ACME_INVALID:
	case ACME_OTHER:
		break;
	}
	return acme_step_refused(
		x, &info->problem, "the CA refused the order", e);
}

static enum status fetch_order(
	struct acme_step *x, struct acme_order_info *out, struct err *e)
{
	enum status st = acme_step_post(x, x->o->url, (struct str){}, e);

	if (st == ST_OK)
		st = acme_order_parse(x->a, x->reply.body, out, e);
	return st;
}

/* The certificate's key: in the row before the CA hears of it. */
static enum status need_key(
	struct acme_step *x, struct pki_key **out, struct err *e)
{
	struct pki_key *key = NULL;
	enum status st;

	if (x->o->key_sealed.n > 0)
		return cert_key_open(
			x->env, CERT_KEY_PURPOSE, x->o->key_sealed, out, e);
	st = cert_key_new(x->env, &key, e);
	if (st != ST_OK)
		return st;
	st = cert_key_seal(
		x->env, x->a, CERT_KEY_PURPOSE, key, &x->o->key_sealed, e);
	if (st == ST_OK)
		st = store_acme_order_put(x->env->store, x->o, e);
	if (st != ST_OK) {
		pki_key_free(&key);
		return st;
	}
	*out = key;
	return ST_OK;
}

static enum status finalize_payload(
	struct acme_step *x, struct str *out, struct err *e)
{
	struct sbuf csr = sbuf_arena(x->a, PAYLOAD_MAX);
	struct sbuf b = sbuf_arena(x->a, PAYLOAD_MAX);
	struct json_writer w = json_writer_of(&b, 0);
	struct pki_key *key = NULL;
	struct str der;
	enum status st = need_key(x, &key, e);

	if (st != ST_OK)
		return st;
	st = pki_csr(key, &x->o->host, 1, x->a, &der, e);
	pki_key_free(&key);
	if (st != ST_OK)
		return st;
	base64url_write(&csr, der);
	json_open_object(&w, NULL);
	json_put_str(&w, "csr", sbuf_str(&csr));
	json_close_object(&w);
	*out = sbuf_str(&b);
	return ST_OK;
}

enum status acme_step_ready(struct acme_step *x, struct err *e)
{
	struct acme_order_info info;
	struct str payload;
	enum status st = fetch_order(x, &info, e);

	if (st != ST_OK)
		return st;
	if (info.state != ACME_READY)
		return follow(x, &info, e);
	st = finalize_payload(x, &payload, e);
	if (st != ST_OK)
		return st;
	st = acme_step_post(x, x->o->finalize_url, payload, e);
	if (st == ST_OK)
		st = acme_order_parse(x->a, x->reply.body, &info, e);
	if (st != ST_OK)
		return st;
	if (info.state == ACME_READY) /* not yet taken up */
		return acme_step_move(x, STORE_ORDER_FINALIZING, e);
	return follow(x, &info, e);
}

enum status acme_step_finalizing(struct acme_step *x, struct err *e)
{
	struct acme_order_info info;
	enum status st = fetch_order(x, &info, e);

	return st == ST_OK ? follow(x, &info, e) : st;
}

/* Certificate, end of the order, end of the challenge: all or nothing. */
static enum status save_all(
	struct acme_step *x, const struct store_cert *cert, struct err *e)
{
	struct store *s = x->env->store;
	struct store_acme_order *o = x->o;
	enum status st = store_begin(s, e);

	if (st != ST_OK)
		return st;
	st = store_cert_add(s, cert, e);
	if (st == ST_OK)
		st = store_challenge_drop(s, o->id, e);
	if (st == ST_OK)
		st = acme_limits_refill(s, x->a, o->directory,
			ACME_LIMIT_IN_A_ROW, o->host, x->now, e);
	o->cert_id = cert->id;
	o->key_sealed = (struct str){}; /* it lives in the certificate's row */
	o->problem_type = o->problem_detail = (struct str){};
	o->problem_at = 0;
	if (st == ST_OK)
		st = acme_step_move(x, STORE_ORDER_DONE, e);
	if (st == ST_OK)
		st = store_commit(s, e);
	if (st != ST_OK)
		store_rollback(s);
	return st;
}

enum status acme_step_issued(struct acme_step *x, struct err *e)
{
	struct store_acme_order *o = x->o;
	struct store_cert cert = { .tenant = o->tenant,
		.host = o->host,
		.source = STR("acme"),
		.directory = o->directory };
	const struct acme_directory *d;
	struct str *chain;
	size_t n;
	enum status st = acme_client_directory(x->env->client, &d, e);

	if (st != ST_OK)
		return st;
	if (d->renewal_info.n > 0)
		cert.ari_next = x->now;
	st = acme_step_post(x, o->cert_url, (struct str){}, e);
	if (st == ST_OK)
		st = pki_chain_read_pem(x->a, x->reply.body, &chain, &n, e);
	if (st == ST_OK)
		st = cert_check(
			x->env, x->a, chain, n, o->key_sealed, &cert, e);
	if (st == ST_OK)
		st = save_all(x, &cert, e);
	if (st == ST_OK)
		LOG(LOG_INFO, "acme.issued", KV_STR("host", o->host),
			KV_STR("challenge", o->challenge),
			KV_INT("days", (cert.not_after - cert.not_before) /
					       UTC_DAY_S));
	return st;
}
