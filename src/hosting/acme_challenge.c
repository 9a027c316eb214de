/* SPDX-License-Identifier: Apache-2.0 */
/* acme_challenge: which, and what with. */
#include "hosting/acme_challenge.h"

#include "hosting/acme_jws.h"
#include "hosting/cert_install.h"
#include "io/crypto.h"
#include "io/pki.h"

#include "base/poison.h"

static const char *const names[ACME_CHALLENGES + 1] = {
	[ACME_HTTP01] = "http-01",
	[ACME_ALPN01] = "tls-alpn-01",
	[ACME_DNS01] = "dns-01",
	[ACME_CHALLENGES] = "",
};

const char *acme_challenge_name(enum acme_challenge_kind k)
{
	return names[k];
}

enum acme_challenge_kind acme_challenge_parse(struct str name)
{
	for (int k = 0; k < ACME_CHALLENGES; k++)
		if (str_eq(name, str_of(names[k])))
			return (enum acme_challenge_kind)k;
	return ACME_CHALLENGES;
}

enum acme_challenge_kind acme_challenge_next(
	unsigned allowed, enum acme_challenge_kind last)
{
	int first = last == ACME_CHALLENGES ? 0 : (int)last + 1;

	for (int k = first; k < ACME_CHALLENGES; k++)
		if ((allowed & 1u << k) != 0)
			return (enum acme_challenge_kind)k;
	return ACME_CHALLENGES;
}

const struct acme_challenge_info *acme_challenge_find(
	const struct acme_authz_info *authz, enum acme_challenge_kind k)
{
	for (size_t i = 0; i < authz->n_challenges; i++)
		if (str_eq(authz->challenges[i].type, str_of(names[k])))
			return &authz->challenges[i];
	return NULL;
}

bool acme_challenge_may_help(const struct acme_problem *p)
{
	return acme_problem_is(p, "connection") ||
	       acme_problem_is(p, "unauthorized") ||
	       acme_problem_is(p, "incorrectResponse") ||
	       acme_problem_is(p, "tls");
}

static enum status make_alpn(const struct cert_env *env, struct arena *a,
	struct str key_auth, struct store_challenge *out, struct err *e)
{
	unsigned char hash[CRYPTO_SHA256_BYTES];
	struct pki_key *key = NULL;
	struct pki_cert *cert = NULL;
	enum status st = pki_key_generate(PKI_P256, &key, e);

	if (st != ST_OK)
		return st;
	crypto_sha256(key_auth, hash);
	st = pki_alpn_cert(
		key, out->host, hash, clock_now(env->clock), &cert, e);
	if (st != ST_OK)
		goto out;
	out->cert_der = pki_cert_der(cert, a);
	st = cert_key_seal(env, a, ALPN_KEY_PURPOSE, key, &out->key_sealed, e);
out:
	pki_cert_free(&cert);
	pki_key_free(&key);
	return st;
}

enum status acme_challenge_make(const struct cert_env *env, struct arena *a,
	enum acme_challenge_kind k, struct str token,
	struct store_challenge *out, struct err *e)
{
	struct str key_auth = acme_key_auth(a, token, env->account.key);

	out->token = token;
	if (k == ACME_ALPN01) {
		out->type = STORE_CHALLENGE_ALPN01;
		return make_alpn(env, a, key_auth, out, e);
	}
	if (k == ACME_DNS01) {
		out->type = STORE_CHALLENGE_DNS01;
		out->value = acme_dns01_text(a, key_auth);
	} else {
		out->type = STORE_CHALLENGE_HTTP01;
		out->value = key_auth;
	}
	return ST_OK;
}
