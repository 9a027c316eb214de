/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme_account: our account at a certificate authority (RFC 8555 section 7.3).
 * One per directory; its key is made here, stored sealed before the CA hears
 * of it, and so is found again after any crash.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"

struct acme_client;
struct acme_reply;
struct crypto_key;
struct crypto_secret;
struct pki_key;
struct store;

#define ACME_URL_MAX 1024u

struct acme_account_options {
	struct str directory;
	struct str *contacts; /* "mailto:..." */
	size_t n_contacts;
	bool agree_terms; /* somebody read the CA's terms and agreed */
	/* External account binding; kid empty: none. */
	struct str eab_kid;
	const struct crypto_secret *eab_key;
};

/* kid.n == 0: not open. */
struct acme_account {
	struct pki_key *key;
	struct str kid; /* points into url */
	char url[ACME_URL_MAX];
};

/*
 * Loads the account, or makes its key, or registers it: whatever is missing.
 * reply (may hold the CA's problem) and err say why not. ST_PERM: a setting
 * stands in the way (terms, binding); ST_INVALID: the CA refused; the rest as
 * acme_client_post and the store.
 */
enum status acme_account_open(struct store *s, struct arena *a,
	const struct crypto_key *seal, struct acme_client *c,
	const struct acme_account_options *o, struct acme_account *out,
	struct acme_reply *reply, struct err *e);

/* The CA no longer knows the account: forgets its URL, keeps the key. */
enum status acme_account_forget(struct store *s, struct acme_account *acc,
	struct str directory, struct err *e);

/* Frees the key. */
void acme_account_fini(struct acme_account *acc);
