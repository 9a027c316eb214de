/* SPDX-License-Identifier: Apache-2.0 */
/* pki_make: signing requests, the tls-alpn-01 certificate, the local CA. */
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "io/pki.h"
#include "io/pki_own.h"

#include "base/bug.h"

#include "base/poison.h"

#define OID_ACME_IDENTIFIER "1.3.6.1.5.5.7.1.31" /* RFC 8737 section 6.1 */
#define ALPN_DAYS 7
#define SERIAL_BITS 127 /* positive, at most 16 octets */

static X509_EXTENSION *san_extension(const struct str *names, size_t n)
{
	GENERAL_NAMES *san = sk_GENERAL_NAME_new_null();
	X509_EXTENSION *ext;

	BUG(san == NULL);
	for (size_t i = 0; i < n; i++) {
		GENERAL_NAME *gn = GENERAL_NAME_new();
		ASN1_IA5STRING *text = ASN1_IA5STRING_new();

		BUG(gn == NULL || text == NULL);
		BUG(ASN1_STRING_set(text, names[i].p, (int)names[i].n) != 1);
		GENERAL_NAME_set0_value(gn, GEN_DNS, text);
		BUG(sk_GENERAL_NAME_push(san, gn) == 0);
	}
	/* With an empty subject the SAN is critical (RFC 5280 4.2.1.6). */
	ext = X509V3_EXT_i2d(NID_subject_alt_name, 1, san);
	BUG(ext == NULL);
	GENERAL_NAMES_free(san);
	return ext;
}

static bool names_fit(const struct str *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (names[i].n == 0 || names[i].n > 253)
			return false;
	return n > 0 && n <= PKI_NAMES_MAX;
}

static struct str req_der(X509_REQ *req, struct arena *a)
{
	unsigned char *der = NULL;
	int n = i2d_X509_REQ(req, &der);
	struct str out;

	BUG(n < 0);
	out = arena_str(a, (struct str){ (char *)der, (size_t)n });
	OPENSSL_free(der);
	return out;
}

enum status pki_csr(const struct pki_key *k, const struct str *names, size_t n,
	struct arena *a, struct str *der, struct err *e)
{
	X509_REQ *req;
	STACK_OF(X509_EXTENSION) * exts;
	enum status st = ST_OK;

	if (!names_fit(names, n))
		return err_set(e, ST_INVALID, "signing request: bad names");
	req = X509_REQ_new();
	exts = sk_X509_EXTENSION_new_null();
	BUG(req == NULL || exts == NULL);
	BUG(sk_X509_EXTENSION_push(exts, san_extension(names, n)) == 0);
	if (X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 ||
		X509_REQ_add_extensions(req, exts) != 1 ||
		X509_REQ_set_pubkey(req, k->evp) != 1 ||
		X509_REQ_sign(req, k->evp, EVP_sha256()) == 0)
		st = pki_fail(e, ST_TEMP, "signing request");
	else
		*der = req_der(req, a);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_REQ_free(req);
	return st;
}

static void set_serial(X509 *x)
{
	BIGNUM *n = BN_new();

	BUG(n == NULL || BN_rand(n, SERIAL_BITS, BN_RAND_TOP_ONE,
				 BN_RAND_BOTTOM_ANY) != 1);
	BUG(BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) == NULL);
	BN_free(n);
}

static void set_common_name(X509_NAME *name, struct str text)
{
	BUG(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
		    (const unsigned char *)text.p, (int)text.n, -1, 0) != 1);
}

/* A certificate with serial, dates and public key, without a signature. */
static X509 *blank(const struct pki_key *k, struct unix_time not_before,
	struct unix_time not_after)
{
	X509 *x = X509_new();

	BUG(x == NULL);
	BUG(X509_set_version(x, X509_VERSION_3) != 1);
	set_serial(x);
	BUG(ASN1_TIME_set(X509_getm_notBefore(x), (time_t)not_before.s) ==
		NULL);
	BUG(ASN1_TIME_set(X509_getm_notAfter(x), (time_t)not_after.s) == NULL);
	BUG(X509_set_pubkey(x, k->evp) != 1);
	return x;
}

/* Adds ext and frees it. */
static void add_extension(X509 *x, X509_EXTENSION *ext)
{
	BUG(ext == NULL || X509_add_ext(x, ext, -1) != 1);
	X509_EXTENSION_free(ext);
}

static void add_text_extension(
	X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	add_extension(x, X509V3_EXT_conf_nid(NULL, &ctx, nid, value));
}

static X509_EXTENSION *acme_extension(const unsigned char hash[PKI_HASH_BYTES])
{
	unsigned char der[2 + PKI_HASH_BYTES] = { V_ASN1_OCTET_STRING,
		PKI_HASH_BYTES };
	ASN1_OBJECT *oid = OBJ_txt2obj(OID_ACME_IDENTIFIER, 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;

	memcpy(der + 2, hash, PKI_HASH_BYTES);
	BUG(oid == NULL || value == NULL);
	BUG(ASN1_OCTET_STRING_set(value, der, sizeof(der)) != 1);
	ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, value);
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(oid);
	return ext;
}

static enum status sign_and_wrap(
	X509 *x, const struct pki_key *k, struct pki_cert **out, struct err *e)
{
	if (X509_sign(x, k->evp, EVP_sha256()) == 0) {
		X509_free(x);
		return pki_fail(e, ST_TEMP, "signing a certificate");
	}
	*out = pki_cert_of(x);
	return ST_OK;
}

enum status pki_alpn_cert(const struct pki_key *k, struct str host,
	const unsigned char key_auth_sha256[PKI_HASH_BYTES],
	struct unix_time now, struct pki_cert **out, struct err *e)
{
	struct unix_time from = { now.s - UTC_DAY_S };
	struct unix_time to = { now.s + ALPN_DAYS * UTC_DAY_S };
	X509 *x;

	if (!names_fit(&host, 1))
		return err_set(e, ST_INVALID, "tls-alpn-01: bad host name");
	x = blank(k, from, to);
	set_common_name(X509_get_subject_name(x), STR("acme-tls/1"));
	set_common_name(X509_get_issuer_name(x), STR("acme-tls/1"));
	add_extension(x, san_extension(&host, 1));
	add_extension(x, acme_extension(key_auth_sha256));
	return sign_and_wrap(x, k, out, e);
}

enum status pki_ca_root(const struct pki_key *k, struct str common_name,
	struct unix_time not_before, struct unix_time not_after,
	struct pki_cert **out, struct err *e)
{
	X509 *x = blank(k, not_before, not_after);

	set_common_name(X509_get_subject_name(x), common_name);
	set_common_name(X509_get_issuer_name(x), common_name);
	add_text_extension(x, x, NID_basic_constraints, "critical,CA:TRUE");
	add_text_extension(x, x, NID_key_usage, "critical,keyCertSign,cRLSign");
	add_text_extension(x, x, NID_subject_key_identifier, "hash");
	return sign_and_wrap(x, k, out, e);
}

enum status pki_ca_issue(const struct pki_cert *ca,
	const struct pki_key *ca_key, const struct pki_key *leaf_key,
	const struct str *names, size_t n, struct unix_time not_before,
	struct unix_time not_after, struct pki_cert **out, struct err *e)
{
	X509 *x;

	if (!names_fit(names, n))
		return err_set(e, ST_INVALID, "local CA: bad host names");
	x = blank(leaf_key, not_before, not_after);
	BUG(X509_set_issuer_name(x, X509_get_subject_name(ca->x509)) != 1);
	add_text_extension(
		x, ca->x509, NID_basic_constraints, "critical,CA:FALSE");
	add_text_extension(
		x, ca->x509, NID_key_usage, "critical,digitalSignature");
	add_text_extension(x, ca->x509, NID_ext_key_usage, "serverAuth");
	add_text_extension(x, ca->x509, NID_subject_key_identifier, "hash");
	add_text_extension(x, ca->x509, NID_authority_key_identifier, "keyid");
	add_extension(x, san_extension(names, n));
	return sign_and_wrap(x, ca_key, out, e);
}
