/* SPDX-License-Identifier: Apache-2.0 */
/* pki_own: what the pki_*.c files share and nobody else sees. */
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "io/pki.h"

struct pki_key {
	EVP_PKEY *evp;
};

struct pki_cert {
	unsigned refs; /* atomic */
	X509 *x509;
};

/* Wraps, taking over the object; NULL in, NULL out. */
struct pki_cert *pki_cert_of(X509 *x);

/* err_set with OpenSSL's newest reason appended; empties its error queue. */
enum status pki_fail(struct err *e, enum status st, const char *what);

/* A BIO over borrowed bytes; aborts when out of memory. */
BIO *pki_bio(struct str s);
