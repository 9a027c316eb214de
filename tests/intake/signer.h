/* SPDX-License-Identifier: Apache-2.0 */
/* signer: signs mails for tests, with libopendkim and a key of its own. */
#pragma once

#include <opendkim/dkim.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/bug.h"
#include "base/sbuf.h"

struct signer {
	struct arena *a;
	struct str pem;	 /* the private key */
	const char *key; /* the text of its TXT record at sel._domainkey */
	uint64_t now;	 /* when it signs */
	dkim_alg_t alg;
};

static inline struct str signer_of_bio(struct signer *w, BIO *bio)
{
	char *p;
	long n = BIO_get_mem_data(bio, &p);
	struct str s = arena_str(w->a, (struct str){ p, (size_t)n });

	BIO_free(bio);
	return s;
}

static inline void signer_init(struct signer *w, struct arena *a, uint64_t now)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	BIO *pem = BIO_new(BIO_s_mem()), *der = BIO_new(BIO_s_mem());
	struct sbuf b = sbuf_arena(a, 4096);

	w->a = a;
	w->now = now;
	w->alg = DKIM_SIGN_RSASHA256;
	BUG(PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL) != 1);
	BUG(i2d_PUBKEY_bio(der, key) != 1);
	w->pem = signer_of_bio(w, pem);
	base64_write(&b, signer_of_bio(w, der));
	w->key =
		arena_fmt(a, "v=DKIM1; k=rsa; p=%.*s", STR_ARG(sbuf_str(&b))).p;
	EVP_PKEY_free(key);
}

static inline unsigned char *signer_u(const char *s)
{
	return (unsigned char *)(uintptr_t)s;
}

/*
 * The header field with the signature of domain over header (lines with CR LF)
 * and body; with_l: over so many bytes only.
 */
static inline struct str signer_sign(struct signer *w, const char *domain,
	const char *header, const char *body, bool with_l)
{
	unsigned flags = with_l ? DKIM_LIBFLAGS_SIGNLEN : 0;
	DKIM_LIB *lib = dkim_init(NULL, NULL);
	uint64_t now = w->now;
	unsigned char out[4096];
	struct str rest = str_of(header), s;
	DKIM_STAT stat;
	DKIM *d;

	BUG(dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags,
		    sizeof(flags)) != DKIM_STAT_OK);
	BUG(dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_FIXEDTIME, &now,
		    sizeof(now)) != DKIM_STAT_OK);
	d = dkim_sign(lib, signer_u("test"), NULL, signer_u(w->pem.p),
		signer_u("sel"), signer_u(domain), DKIM_CANON_RELAXED,
		DKIM_CANON_RELAXED, w->alg, -1, &stat);
	BUG(d == NULL);
	while (rest.n > 0) {
		struct str line = str_cut(&rest, '\r');

		BUG(dkim_header(d, signer_u(line.p), line.n) != DKIM_STAT_OK);
		rest = str_from(rest, 1);
	}
	BUG(dkim_eoh(d) != DKIM_STAT_OK);
	BUG(dkim_body(d, signer_u(body), strlen(body)) != DKIM_STAT_OK);
	BUG(dkim_eom(d, NULL) != DKIM_STAT_OK);
	BUG(dkim_getsighdr(d, out, sizeof(out), 0) != DKIM_STAT_OK);
	s = arena_fmt(w->a, "DKIM-Signature: %s\r\n", (char *)out);
	(void)dkim_free(d);
	dkim_close(lib);
	return s;
}
