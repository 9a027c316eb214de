/* SPDX-License-Identifier: Apache-2.0 */
/* pki_cert: reading certificates and chains, and checking them. */
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "io/pki.h"
#include "io/pki_own.h"

#include "base/bug.h"
#include "base/mem.h"
#include "base/vec.h"

#include "base/poison.h"

#define HOST_FLAGS                                                             \
	(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |                                 \
		X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)

struct pki_cert *pki_cert_of(X509 *x)
{
	struct pki_cert *c = mem_must(sizeof(*c));

	c->refs = 1;
	c->x509 = x;
	return c;
}

struct pki_cert *pki_cert_ref(struct pki_cert *c)
{
	(void)__atomic_add_fetch(&c->refs, 1, __ATOMIC_RELAXED);
	return c;
}

void pki_cert_free(struct pki_cert **c)
{
	struct pki_cert *old = *c;

	*c = NULL;
	if (old == NULL ||
		__atomic_sub_fetch(&old->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	X509_free(old->x509);
	mem_free(old);
}

void *pki_cert_x509(const struct pki_cert *c)
{
	return c->x509;
}

/* NULL unless der is one certificate and nothing behind it. */
static X509 *x509_of(struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *x = der.n == 0 ? NULL : d2i_X509(NULL, &p, (long)der.n);

	if (x != NULL && p != (const unsigned char *)der.p + der.n) {
		X509_free(x);
		x = NULL;
	}
	return x;
}

enum status pki_cert_parse(struct str der, struct pki_cert **out, struct err *e)
{
	X509 *x = x509_of(der);

	if (x == NULL)
		return pki_fail(e, ST_INVALID, "not an X.509 certificate");
	*out = pki_cert_of(x);
	return ST_OK;
}

static struct str x509_der(X509 *x, struct arena *a)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);
	struct str out;

	BUG(n < 0);
	out = arena_str(a, (struct str){ (char *)der, (size_t)n });
	OPENSSL_free(der);
	return out;
}

struct str pki_cert_der(const struct pki_cert *c, struct arena *a)
{
	return x509_der(c->x509, a);
}

static enum status time_of(const ASN1_TIME *t, struct unix_time *out)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return ST_INVALID;
	return utc_time_of((struct utc_date){ .year = tm.tm_year + 1900,
				   .month = tm.tm_mon + 1,
				   .day = tm.tm_mday,
				   .hour = tm.tm_hour,
				   .minute = tm.tm_min,
				   .second = tm.tm_sec },
		out);
}

static struct str asn1_str(const ASN1_STRING *s)
{
	return (struct str){ (const char *)ASN1_STRING_get0_data(s),
		(size_t)ASN1_STRING_length(s) };
}

/* The content octets of the DER INTEGER, leading zero and all: ARI's certID
 * wants exactly them (RFC 9773 section 4.1). */
static struct str serial_octets(X509 *x, struct arena *a)
{
	unsigned char *der = NULL;
	int n = i2d_ASN1_INTEGER(X509_get_serialNumber(x), &der);
	struct str s;

	BUG(n < 2);
	s = (struct str){ (char *)der, (size_t)n };
	s = arena_str(
		a, str_from(s, (der[1] & 0x80) ? 2 + (der[1] & 0x7f) : 2));
	OPENSSL_free(der);
	return s;
}

static struct str issuer_text(X509 *x, struct arena *a)
{
	BIO *bio = BIO_new(BIO_s_mem());
	struct str out;
	char *p;
	long n;

	BUG(bio == NULL);
	(void)X509_NAME_print_ex(
		bio, X509_get_issuer_name(x), 0, XN_FLAG_RFC2253);
	n = BIO_get_mem_data(bio, &p);
	out = arena_str(a, (struct str){ p, n < 0 ? 0 : (size_t)n });
	BIO_free(bio);
	return out;
}

enum status pki_cert_facts(const struct pki_cert *c, struct arena *a,
	struct pki_facts *out, struct err *e)
{
	X509 *x = c->x509;
	struct pki_facts f = {};
	const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(x);
	unsigned n = sizeof(f.sha256);

	if (time_of(X509_get0_notBefore(x), &f.not_before) != ST_OK ||
		time_of(X509_get0_notAfter(x), &f.not_after) != ST_OK)
		return pki_fail(e, ST_INVALID, "certificate dates");
	f.serial = serial_octets(x, a);
	if (aki != NULL)
		f.authority_key = arena_str(a, asn1_str(aki));
	f.issuer = issuer_text(x, a);
	BUG(X509_digest(x, EVP_sha256(), f.sha256, &n) != 1);
	ERR_clear_error();
	*out = f;
	return ST_OK;
}

bool pki_cert_covers(const struct pki_cert *c, struct str host)
{
	return host.n > 0 &&
	       X509_check_host(c->x509, host.p, host.n, HOST_FLAGS, NULL) == 1;
}

bool pki_cert_has_key(const struct pki_cert *c, const struct pki_key *k)
{
	bool yes = X509_check_private_key(c->x509, k->evp) == 1;

	ERR_clear_error();
	return yes;
}

enum status pki_chain_read_pem(struct arena *a, struct str pem,
	struct str **ders, size_t *n, struct err *e)
{
	struct {
		struct str *items;
		size_t n, cap;
	} out = {};
	BIO *bio = pki_bio(pem);
	enum status st = ST_OK;
	struct str der;
	X509 *x;

	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		der = x509_der(x, a);
		X509_free(x);
		if (out.n == PKI_CHAIN_MAX || der.p == NULL ||
			!VEC_PUSH(a, &out, der)) {
			st = err_set(e, ST_LIMIT,
				"more than %u certificates in a chain",
				PKI_CHAIN_MAX);
			goto out;
		}
	}
	/* Anything but "no further block" is a block that cannot be read. */
	if (out.n == 0 ||
		ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		st = pki_fail(e, ST_INVALID, "PEM certificates");
	ERR_clear_error();
out:
	BIO_free(bio);
	if (st == ST_OK) {
		*ders = out.items;
		*n = out.n;
	}
	return st;
}

void pki_chain_write_pem(struct sbuf *out, const struct str *ders, size_t n)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p;
	long len;

	BUG(bio == NULL);
	for (size_t i = 0; i < n; i++)
		BUG(PEM_write_bio(bio, PEM_STRING_X509, "",
			    (const unsigned char *)ders[i].p,
			    (long)ders[i].n) <= 0);
	len = BIO_get_mem_data(bio, &p);
	sbuf_add(out, (struct str){ p, len < 0 ? 0 : (size_t)len });
	BIO_free(bio);
}

static X509_STORE *anchors(const char *ca_file)
{
	X509_STORE *store = X509_STORE_new();

	BUG(store == NULL);
	if ((ca_file == NULL ? X509_STORE_set_default_paths(store)
			     : X509_STORE_load_file(store, ca_file)) != 1) {
		X509_STORE_free(store);
		store = NULL;
	}
	return store;
}

/* All certificates of the chain, the leaf too; NULL if one is broken. */
static STACK_OF(X509) * stack_of(const struct str *ders, size_t n)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *x;

	BUG(chain == NULL);
	for (size_t i = 0; i < n; i++) {
		x = x509_of(ders[i]);
		if (x == NULL || sk_X509_push(chain, x) == 0) {
			sk_X509_pop_free(chain, X509_free);
			return NULL;
		}
	}
	return chain;
}

static enum status verify(X509_STORE *store, STACK_OF(X509) * chain,
	struct str host, struct unix_time at, struct err *e)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	enum status st = ST_OK;

	BUG(ctx == NULL);
	BUG(X509_STORE_CTX_init(ctx, store, sk_X509_value(chain, 0), chain) !=
		1);
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)at.s);
	X509_VERIFY_PARAM_set_hostflags(param, HOST_FLAGS);
	(void)X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
	BUG(X509_VERIFY_PARAM_set1_host(param, host.p, host.n) != 1);
	if (X509_verify_cert(ctx) != 1)
		st = err_set(e, ST_INVALID, "certificate of %.*s: %s",
			STR_ARG(host),
			X509_verify_cert_error_string(
				X509_STORE_CTX_get_error(ctx)));
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return st;
}

enum status pki_chain_verify(const struct str *ders, size_t n, struct str host,
	const char *ca_file, struct unix_time at, struct err *e)
{
	X509_STORE *store = NULL;
	STACK_OF(X509) *chain = NULL;
	enum status st;

	BUG(host.n == 0);
	chain = n == 0 ? NULL : stack_of(ders, n);
	if (chain == NULL) {
		st = pki_fail(e, ST_INVALID, "certificate chain");
		goto out;
	}
	store = anchors(ca_file);
	if (store == NULL) {
		st = pki_fail(e, ST_PERM,
			ca_file == NULL ? "trust anchors" : ca_file);
		goto out;
	}
	st = verify(store, chain, host, at, e);
out:
	sk_X509_pop_free(chain, X509_free);
	X509_STORE_free(store);
	return st;
}
