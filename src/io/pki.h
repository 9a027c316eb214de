/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pki: private keys, certificates, signing requests and a small local CA.
 *
 * Keys and certificates are reference-counted and never change once made, so a
 * cache and a connection can share them, across threads too. Names are
 * lower-case A-labels. Text that others wrote (a PEM file, a CA's answer) is
 * parsed into DER before anything is believed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"

#define PKI_KEY_MAX 2560u   /* bytes of any key in compact form */
#define PKI_SIG_MAX 512u    /* bytes of any signature */
#define PKI_CHAIN_MAX 10u   /* certificates in a chain */
#define PKI_NAMES_MAX 100u  /* names in a certificate */
#define PKI_HASH_BYTES 32u  /* SHA-256 */
#define PKI_POINT_BYTES 32u /* one coordinate of a P-256 point */

struct pki_key;
struct pki_cert;

enum pki_key_type { PKI_P256, PKI_RSA2048 };

/* --- keys ------------------------------------------------------------- */

/* A fresh key. ST_TEMP when the machine has no entropy or memory. */
enum status pki_key_generate(
	enum pki_key_type type, struct pki_key **out, struct err *e);

/* Wipes it; clears *k; NULL is allowed. */
void pki_key_free(struct pki_key **k);

/*
 * The compact form: for P-256 'E', the 32-byte scalar and the 65-byte point
 * (read without the slow ASN.1 decoder), otherwise 'D' and PKCS #8 DER. Both
 * are secret: the caller wipes what it holds.
 * pki_key_write: ST_LIMIT if cap is too small. pki_key_read: ST_INVALID.
 */
enum status pki_key_write(
	const struct pki_key *k, void *out, size_t cap, size_t *n);
enum status pki_key_read(struct str compact, struct pki_key **out);

/* The first private key in PEM text (EC P-256/P-384, RSA), without password.
 * ST_INVALID: there is none that we can use. */
enum status pki_key_read_pem(
	struct str pem, struct pki_key **out, struct err *e);

/*
 * Signs as JOSE wants it (RFC 7518): P-256 gives ES256, 64 bytes r||s; RSA
 * gives RS256. ST_LIMIT if cap is too small, ST_INVALID for other keys.
 */
enum status pki_sign(const struct pki_key *k, struct str data, void *out,
	size_t cap, size_t *n);

/* true if sig is what pki_sign makes of data with this key. */
bool pki_sign_check(const struct pki_key *k, struct str data, struct str sig);

/* The public point of a P-256 key, for a JWK (RFC 7518 section 6.2). */
void pki_key_point(const struct pki_key *k, unsigned char x[PKI_POINT_BYTES],
	unsigned char y[PKI_POINT_BYTES]);

/* The OpenSSL EVP_PKEY, borrowed: for io/tls.c. */
void *pki_key_evp(const struct pki_key *k);

/* --- certificates ------------------------------------------------------ */

/* One certificate from DER, the whole of der. ST_INVALID otherwise. */
enum status pki_cert_parse(
	struct str der, struct pki_cert **out, struct err *e);

struct pki_cert *pki_cert_ref(struct pki_cert *c);
void pki_cert_free(struct pki_cert **c);

/* The DER bytes, in the arena. */
struct str pki_cert_der(const struct pki_cert *c, struct arena *a);

struct pki_facts {
	struct unix_time not_before, not_after;
	struct str serial;	  /* content octets of the DER INTEGER */
	struct str authority_key; /* AKI keyIdentifier; p == NULL: none */
	struct str issuer;	  /* as text, for people */
	unsigned char sha256[PKI_HASH_BYTES]; /* of the DER */
};

/* What the certificate says. ST_INVALID: its dates cannot be read. */
enum status pki_cert_facts(const struct pki_cert *c, struct arena *a,
	struct pki_facts *out, struct err *e);

/* true if a SAN entry covers host (RFC 6125; no CN, whole-label "*." only). */
bool pki_cert_covers(const struct pki_cert *c, struct str host);

/* true if k is the private key of c. */
bool pki_cert_has_key(const struct pki_cert *c, const struct pki_key *k);

/* The OpenSSL X509, borrowed: for io/tls.c. */
void *pki_cert_x509(const struct pki_cert *c);

/* --- chains: DER strings, the leaf first ------------------------------- */

/*
 * Every certificate in PEM text, in order; other PEM blocks are passed over.
 * ST_INVALID: none, or a broken one; ST_LIMIT: more than PKI_CHAIN_MAX.
 */
enum status pki_chain_read_pem(struct arena *a, struct str pem,
	struct str **ders, size_t *n, struct err *e);

void pki_chain_write_pem(struct sbuf *out, const struct str *ders, size_t n);

/*
 * Does the chain lead from a leaf for host to a trust anchor of ca_file (PEM;
 * NULL: the system's) at the given time? ST_OK: it does; ST_INVALID: no, err
 * says why; ST_PERM: ca_file cannot be read.
 */
enum status pki_chain_verify(const struct str *ders, size_t n, struct str host,
	const char *ca_file, struct unix_time at, struct err *e);

/* --- making them -------------------------------------------------------- */

/* A signing request (PKCS #10 DER): empty subject, the names as SAN only. */
enum status pki_csr(const struct pki_key *k, const struct str *names, size_t n,
	struct arena *a, struct str *der, struct err *e);

/*
 * The self-signed certificate that answers tls-alpn-01 for host (RFC 8737
 * section 3): critical acmeIdentifier with the SHA-256 of the key
 * authorization.
 */
enum status pki_alpn_cert(const struct pki_key *k, struct str host,
	const unsigned char key_auth_sha256[PKI_HASH_BYTES],
	struct unix_time now, struct pki_cert **out, struct err *e);

/* A self-signed CA certificate. */
enum status pki_ca_root(const struct pki_key *k, struct str common_name,
	struct unix_time not_before, struct unix_time not_after,
	struct pki_cert **out, struct err *e);

/* A server certificate for names, signed by the CA, for the key leaf_key. */
enum status pki_ca_issue(const struct pki_cert *ca,
	const struct pki_key *ca_key, const struct pki_key *leaf_key,
	const struct str *names, size_t n, struct unix_time not_before,
	struct unix_time not_after, struct pki_cert **out, struct err *e);
