/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme_client: signed requests to one certificate authority (RFC 8555 section
 * 6): its directory, a pool of nonces, the retry that badNonce asks for,
 * Retry-After, problem documents. It blocks; it belongs to one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "hosting/acme_message.h"

struct acme_client;
struct pki_key;

struct acme_client_options {
	struct str directory; /* URL */
	const char *ca_file;  /* trust only these (PEM); NULL: the system's */
	const char *user_agent;
	const struct clock *clock;
	bool (*stop)(void *ctx); /* true makes a running request give up */
	void *stop_ctx;
};

struct acme_client *acme_client_new(const struct acme_client_options *o);
void acme_client_free(struct acme_client **c);

/* The directory, fetched when it is older than an hour; borrowed until the
 * next call of this function. Status as http_client_do, ST_INVALID if it is
 * none. */
enum status acme_client_directory(struct acme_client *c,
	const struct acme_directory **out, struct err *e);

struct acme_reply {
	int status; /* HTTP; 0: there was no answer */
	struct str body, location;
	int64_t retry_after_s;	     /* 0: the CA named none */
	struct acme_problem problem; /* when not ST_OK; may be empty */
};

/*
 * A signed POST. kid empty: the key goes along (newAccount). payload p ==
 * NULL: POST-as-GET.
 * ST_OK: a 2xx answer. ST_INVALID: the CA refused, see reply->problem.
 * ST_LIMIT: it asks to come back later (429, rateLimited). ST_TEMP: no answer,
 * or 5xx. err has the CA's words in each case.
 */
enum status acme_client_post(struct acme_client *c, struct arena *a,
	const struct pki_key *key, struct str kid, struct str url,
	struct str payload, struct acme_reply *reply, struct err *e);

/* An unsigned GET (renewalInfo); status as acme_client_post. */
enum status acme_client_get(struct acme_client *c, struct arena *a,
	struct str url, struct acme_reply *reply, struct err *e);
