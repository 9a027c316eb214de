/* SPDX-License-Identifier: Apache-2.0 */
/* acme_jws: RFC 7515 in the one form that ACME uses. */
#include "hosting/acme_jws.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/sbuf.h"
#include "io/crypto.h"
#include "io/pki.h"

#include "base/poison.h"

#define BODY_MAX (64u * 1024)

static struct str b64(struct arena *a, struct str bytes)
{
	struct sbuf b = sbuf_arena(a, BODY_MAX);

	base64url_write(&b, bytes);
	return sbuf_ok(&b) ? sbuf_str(&b) : (struct str){};
}

static struct str bytes_str(const unsigned char *p, size_t n)
{
	return (struct str){ (const char *)p, n };
}

/*
 * The members in the order of RFC 7638 section 3.2, so that one text serves as
 * JWK and as what the thumbprint hashes.
 */
static void put_jwk(struct arena *a, struct json_writer *w, const char *name,
	const struct pki_key *key)
{
	unsigned char x[PKI_POINT_BYTES], y[PKI_POINT_BYTES];

	pki_key_point(key, x, y);
	json_open_object(w, name);
	json_put_z(w, "crv", "P-256");
	json_put_z(w, "kty", "EC");
	json_put_str(w, "x", b64(a, bytes_str(x, sizeof(x))));
	json_put_str(w, "y", b64(a, bytes_str(y, sizeof(y))));
	json_close_object(w);
}

static struct str jwk_text(struct arena *a, const struct pki_key *key)
{
	struct sbuf b = sbuf_arena(a, BODY_MAX);
	struct json_writer w = json_writer_of(&b, 0);

	put_jwk(a, &w, NULL, key);
	return sbuf_str(&b);
}

static struct str protected_head(struct arena *a, const struct acme_jws *j)
{
	struct sbuf b = sbuf_arena(a, BODY_MAX);
	struct json_writer w = json_writer_of(&b, 0);

	json_open_object(&w, NULL);
	json_put_z(&w, "alg", "ES256");
	if (j->kid.n > 0)
		json_put_str(&w, "kid", j->kid);
	else
		put_jwk(a, &w, "jwk", j->key);
	json_put_str(&w, "nonce", j->nonce);
	json_put_str(&w, "url", j->url);
	json_close_object(&w);
	return sbuf_ok(&b) ? sbuf_str(&b) : (struct str){};
}

/* {"protected":..., "payload":..., "signature":...}, all base64url already. */
static void put_flattened(struct json_writer *w, const char *name,
	struct str head, struct str payload, struct str sig)
{
	json_open_object(w, name);
	json_put_str(w, "protected", head);
	json_put_str(w, "payload", payload);
	json_put_str(w, "signature", sig);
	json_close_object(w);
}

/* What is signed: BASE64URL(protected) "." BASE64URL(payload). */
static struct str signing_input(
	struct arena *a, struct str head, struct str payload)
{
	return arena_fmt(a, "%.*s.%.*s", STR_ARG(head), STR_ARG(payload));
}

enum status acme_jws_write(struct arena *a, const struct acme_jws *j,
	struct str *out, struct err *e)
{
	struct str head = b64(a, protected_head(a, j));
	struct str payload = b64(a, j->payload);
	struct str input = signing_input(a, head, payload);
	struct sbuf b = sbuf_arena(a, BODY_MAX);
	struct json_writer w = json_writer_of(&b, 0);
	unsigned char sig[PKI_SIG_MAX];
	size_t n = 0;

	if (head.p == NULL || payload.p == NULL || input.p == NULL)
		return err_set(e, ST_LIMIT, "ACME request is too large");
	if (pki_sign(j->key, input, sig, sizeof(sig), &n) != ST_OK)
		return err_set(e, ST_PERM, "cannot sign with the account key");
	put_flattened(&w, NULL, head, payload, b64(a, bytes_str(sig, n)));
	if (!sbuf_ok(&b))
		return err_set(e, ST_LIMIT, "ACME request is too large");
	*out = sbuf_str(&b);
	return ST_OK;
}

void acme_jws_put_eab(struct arena *a, struct json_writer *w,
	const struct pki_key *account, struct str kid, struct str mac_key,
	struct str url)
{
	struct sbuf b = sbuf_arena(a, BODY_MAX);
	struct json_writer head_w = json_writer_of(&b, 0);
	struct str head, payload = b64(a, jwk_text(a, account));
	unsigned char mac[CRYPTO_SHA256_BYTES];

	json_open_object(&head_w, NULL);
	json_put_z(&head_w, "alg", "HS256");
	json_put_str(&head_w, "kid", kid);
	json_put_str(&head_w, "url", url);
	json_close_object(&head_w);
	head = b64(a, sbuf_str(&b));
	crypto_hmac_sha256(mac_key, signing_input(a, head, payload), mac);
	put_flattened(w, "externalAccountBinding", head, payload,
		b64(a, bytes_str(mac, sizeof(mac))));
}

struct str acme_thumbprint(struct arena *a, const struct pki_key *account)
{
	unsigned char hash[CRYPTO_SHA256_BYTES];

	crypto_sha256(jwk_text(a, account), hash);
	return b64(a, bytes_str(hash, sizeof(hash)));
}

struct str acme_key_auth(
	struct arena *a, struct str token, const struct pki_key *account)
{
	struct str print = acme_thumbprint(a, account);

	return arena_fmt(a, "%.*s.%.*s", STR_ARG(token), STR_ARG(print));
}

struct str acme_dns01_text(struct arena *a, struct str key_auth)
{
	unsigned char hash[CRYPTO_SHA256_BYTES];

	crypto_sha256(key_auth, hash);
	return b64(a, bytes_str(hash, sizeof(hash)));
}
