/* SPDX-License-Identifier: Apache-2.0 */
/* pki_key: private keys and signatures. */
#include <limits.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "io/pki.h"
#include "io/pki_own.h"

#include "base/bug.h"
#include "base/mem.h"

#include "base/poison.h"

#define TAG_EC 'E'
#define TAG_DER 'D'
#define POINT_BYTES (1 + 2 * PKI_POINT_BYTES) /* 0x04, x, y */
#define EC_COMPACT (1 + PKI_POINT_BYTES + POINT_BYTES)
#define ES256_BYTES (2 * PKI_POINT_BYTES)

enum status pki_fail(struct err *e, enum status st, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *why = code == 0 ? NULL : ERR_reason_error_string(code);

	ERR_clear_error();
	return err_set(e, st, "%s: %s", what, why == NULL ? "failed" : why);
}

BIO *pki_bio(struct str s)
{
	BIO *b;

	BUG(s.n > INT_MAX);
	b = BIO_new_mem_buf(s.n == 0 ? "" : s.p, (int)s.n);
	BUG(b == NULL);
	return b;
}

/* Wraps, taking over the object. */
static struct pki_key *pki_key_of(EVP_PKEY *evp)
{
	struct pki_key *k = mem_must(sizeof(*k));

	k->evp = evp;
	return k;
}

void pki_key_free(struct pki_key **k)
{
	if (*k == NULL)
		return;
	EVP_PKEY_free((*k)->evp); /* wipes the secret numbers */
	mem_free(*k);
	*k = NULL;
}

void *pki_key_evp(const struct pki_key *k)
{
	return k->evp;
}

enum status pki_key_generate(
	enum pki_key_type type, struct pki_key **out, struct err *e)
{
	EVP_PKEY *evp = type == PKI_P256 ? EVP_EC_gen("P-256")
					 : EVP_RSA_gen(2048);

	if (evp == NULL)
		return pki_fail(e, ST_TEMP, "making a private key");
	*out = pki_key_of(evp);
	return ST_OK;
}

static bool pki_key_is_p256(const struct pki_key *k)
{
	char group[32];

	return EVP_PKEY_is_a(k->evp, "EC") &&
	       EVP_PKEY_get_group_name(k->evp, group, sizeof(group), NULL) ==
		       1 &&
	       strcmp(group, "prime256v1") == 0;
}

/* The public point as 0x04, x, y: whatever form the key itself prefers. */
static void get_point(const struct pki_key *k, unsigned char out[POINT_BYTES])
{
	BIGNUM *x = NULL, *y = NULL;

	out[0] = 0x04;
	BUG(EVP_PKEY_get_bn_param(k->evp, OSSL_PKEY_PARAM_EC_PUB_X, &x) != 1);
	BUG(EVP_PKEY_get_bn_param(k->evp, OSSL_PKEY_PARAM_EC_PUB_Y, &y) != 1);
	BUG(BN_bn2binpad(x, out + 1, PKI_POINT_BYTES) < 0);
	BUG(BN_bn2binpad(y, out + 1 + PKI_POINT_BYTES, PKI_POINT_BYTES) < 0);
	BN_free(x);
	BN_free(y);
}

void pki_key_point(const struct pki_key *k, unsigned char x[PKI_POINT_BYTES],
	unsigned char y[PKI_POINT_BYTES])
{
	unsigned char point[POINT_BYTES];

	get_point(k, point);
	memcpy(x, point + 1, PKI_POINT_BYTES);
	memcpy(y, point + 1 + PKI_POINT_BYTES, PKI_POINT_BYTES);
}

static enum status write_p256(
	const struct pki_key *k, unsigned char *out, size_t cap, size_t *n)
{
	BIGNUM *d = NULL;

	if (cap < EC_COMPACT)
		return ST_LIMIT;
	if (EVP_PKEY_get_bn_param(k->evp, OSSL_PKEY_PARAM_PRIV_KEY, &d) != 1)
		return ST_INVALID;
	out[0] = TAG_EC;
	BUG(BN_bn2binpad(d, out + 1, PKI_POINT_BYTES) < 0);
	get_point(k, out + 1 + PKI_POINT_BYTES);
	BN_clear_free(d);
	*n = EC_COMPACT;
	return ST_OK;
}

static enum status write_der(
	const struct pki_key *k, unsigned char *out, size_t cap, size_t *n)
{
	PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(k->evp);
	enum status st = ST_OK;
	unsigned char *der = NULL;
	int len;

	if (p8 == NULL)
		return ST_INVALID;
	len = i2d_PKCS8_PRIV_KEY_INFO(p8, &der);
	PKCS8_PRIV_KEY_INFO_free(p8); /* wipes */
	if (len < 0)
		return ST_INVALID;
	if ((size_t)len + 1 > cap) {
		st = ST_LIMIT;
	} else {
		out[0] = TAG_DER;
		memcpy(out + 1, der, (size_t)len);
		*n = (size_t)len + 1;
	}
	OPENSSL_clear_free(der, (size_t)len);
	return st;
}

enum status pki_key_write(
	const struct pki_key *k, void *out, size_t cap, size_t *n)
{
	if (pki_key_is_p256(k))
		return write_p256(k, out, cap, n);
	return write_der(k, out, cap, n);
}

/*
 * The fast path: OpenSSL 3.0 takes about 0.5 ms for a private key through its
 * decoders and a fraction of that through fromdata.
 */
static EVP_PKEY *read_p256(const unsigned char *scalar)
{
	unsigned char native[PKI_POINT_BYTES], point[POINT_BYTES];
	char group[] = "prime256v1";
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	BIGNUM *d = BN_secure_new();
	EVP_PKEY *evp = NULL;

	BUG(ctx == NULL || d == NULL);
	BUG(BN_bin2bn(scalar, PKI_POINT_BYTES, d) == NULL);
	BUG(BN_bn2nativepad(d, native, sizeof(native)) < 0);
	memcpy(point, scalar + PKI_POINT_BYTES, sizeof(point));
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(
			OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group) - 1),
		OSSL_PARAM_octet_string(
			OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, sizeof(native)),
		OSSL_PARAM_END,
	};
	if (EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &evp, EVP_PKEY_KEYPAIR, params) != 1)
		evp = NULL;
	mem_wipe(native, sizeof(native));
	BN_clear_free(d);
	EVP_PKEY_CTX_free(ctx);
	return evp;
}

static EVP_PKEY *read_der(struct str der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	EVP_PKEY *evp = d2i_AutoPrivateKey(NULL, &p, (long)der.n);

	if (evp != NULL && p != (const unsigned char *)der.p + der.n) {
		EVP_PKEY_free(evp);
		evp = NULL;
	}
	return evp;
}

enum status pki_key_read(struct str compact, struct pki_key **out)
{
	EVP_PKEY *evp = NULL;

	if (compact.n == EC_COMPACT && compact.p[0] == TAG_EC)
		evp = read_p256((const unsigned char *)compact.p + 1);
	else if (compact.n > 1 && compact.n <= PKI_KEY_MAX &&
		 compact.p[0] == TAG_DER)
		evp = read_der(str_from(compact, 1));
	if (evp == NULL) {
		ERR_clear_error();
		return ST_INVALID;
	}
	*out = pki_key_of(evp);
	return ST_OK;
}

/* Never asks anybody for a password. */
static int no_password(char *buf, int size, int rw, void *ctx)
{
	(void)buf;
	(void)size;
	(void)rw;
	(void)ctx;
	return -1;
}

enum status pki_key_read_pem(
	struct str pem, struct pki_key **out, struct err *e)
{
	BIO *bio = pki_bio(pem);
	EVP_PKEY *evp = PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL);

	BIO_free(bio);
	if (evp == NULL)
		return pki_fail(e, ST_INVALID, "no usable PEM private key");
	if (!EVP_PKEY_is_a(evp, "EC") && !EVP_PKEY_is_a(evp, "RSA")) {
		EVP_PKEY_free(evp);
		return err_set(
			e, ST_INVALID, "private key is neither EC nor RSA");
	}
	*out = pki_key_of(evp);
	return ST_OK;
}

static enum status es256_of_der(
	const unsigned char *der, size_t n, unsigned char *out)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)n);
	const BIGNUM *r, *s;

	if (sig == NULL)
		return ST_INVALID;
	ECDSA_SIG_get0(sig, &r, &s);
	BUG(BN_bn2binpad(r, out, PKI_POINT_BYTES) < 0);
	BUG(BN_bn2binpad(s, out + PKI_POINT_BYTES, PKI_POINT_BYTES) < 0);
	ECDSA_SIG_free(sig);
	return ST_OK;
}

enum status pki_sign(const struct pki_key *k, struct str data, void *out,
	size_t cap, size_t *n)
{
	bool ec = pki_key_is_p256(k);
	unsigned char sig[PKI_SIG_MAX];
	EVP_MD_CTX *ctx;
	size_t len = sizeof(sig);
	enum status st = ST_INVALID;

	if (!ec && !EVP_PKEY_is_a(k->evp, "RSA"))
		return ST_INVALID;
	ctx = EVP_MD_CTX_new();
	BUG(ctx == NULL);
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->evp) == 1 &&
		EVP_DigestSign(ctx, sig, &len, (const unsigned char *)data.p,
			data.n) == 1)
		st = (ec ? ES256_BYTES : len) > cap ? ST_LIMIT : ST_OK;
	EVP_MD_CTX_free(ctx);
	if (st != ST_OK)
		return st;
	if (ec) {
		*n = ES256_BYTES;
		return es256_of_der(sig, len, out);
	}
	memcpy(out, sig, len);
	*n = len;
	return ST_OK;
}

/* r||s as the DER that OpenSSL wants; returns its length, 0 on failure. */
static size_t der_of_es256(struct str raw, unsigned char der[PKI_SIG_MAX])
{
	const unsigned char *p = (const unsigned char *)raw.p;
	unsigned char *to = der;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(p, PKI_POINT_BYTES, NULL);
	BIGNUM *s = BN_bin2bn(p + PKI_POINT_BYTES, PKI_POINT_BYTES, NULL);
	int n;

	BUG(sig == NULL || r == NULL || s == NULL);
	BUG(ECDSA_SIG_set0(sig, r, s) != 1);
	n = i2d_ECDSA_SIG(sig, &to);
	ECDSA_SIG_free(sig);
	return n < 0 ? 0 : (size_t)n;
}

bool pki_sign_check(const struct pki_key *k, struct str data, struct str sig)
{
	unsigned char der[PKI_SIG_MAX];
	const unsigned char *p = (const unsigned char *)sig.p;
	EVP_MD_CTX *ctx;
	size_t n = sig.n;
	bool good;

	if (pki_key_is_p256(k)) {
		if (sig.n != ES256_BYTES)
			return false;
		n = der_of_es256(sig, der);
		p = der;
	}
	ctx = EVP_MD_CTX_new();
	BUG(ctx == NULL);
	good = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, k->evp) ==
		       1 &&
	       EVP_DigestVerify(
		       ctx, p, n, (const unsigned char *)data.p, data.n) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good;
}
