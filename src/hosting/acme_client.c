/* SPDX-License-Identifier: Apache-2.0 */
/* acme_client: RFC 8555 section 6 over io/http_client. */
#include <string.h>

#include "hosting/acme_client.h"

#include "base/bug.h"
#include "base/mem.h"
#include "hosting/acme_jws.h"
#include "io/http_client.h"

#include "base/poison.h"

#define ANSWER_MAX (256u * 1024)
#define TIMEOUT_MS 30000
#define NONCES_MAX 8u
#define NONCE_CHARS_MAX 256u
#define BAD_NONCE_TRIES 5 /* section 6.5: retry, but not for ever */
#define DIRECTORY_AGE_S 3600
#define RETRY_AFTER_MAX (7 * UTC_DAY_S)

struct acme_client {
	struct http_client *http;
	const struct clock *clock;
	struct arena *mine; /* the directory URL */
	struct str directory_url;
	struct arena *directory_arena;
	struct acme_directory directory;
	int64_t directory_at; /* 0: never fetched */
	char nonces[NONCES_MAX][NONCE_CHARS_MAX];
	size_t n_nonces;
};

struct acme_client *acme_client_new(const struct acme_client_options *o)
{
	struct acme_client *c = mem_must(sizeof(*c));

	c->http = http_client_new(&(struct http_client_options){
		.ca_file = o->ca_file,
		.user_agent = o->user_agent,
		.timeout_ms = TIMEOUT_MS,
		.max_bytes = ANSWER_MAX,
		.stop = o->stop,
		.stop_ctx = o->stop_ctx,
	});
	c->clock = o->clock;
	c->mine = arena_must(0);
	c->directory_url = arena_str(c->mine, o->directory);
	c->directory_arena = arena_must(0);
	return c;
}

void acme_client_free(struct acme_client **c)
{
	if (*c == NULL)
		return;
	http_client_free(&(*c)->http);
	arena_free(&(*c)->mine);
	arena_free(&(*c)->directory_arena);
	mem_free(*c);
	*c = NULL;
}

/* Keeps a nonce; what section 6.5.1 does not allow is passed over. */
static void keep_nonce(struct acme_client *c, struct str nonce)
{
	char *to;

	if (nonce.n == 0 || nonce.n >= NONCE_CHARS_MAX ||
		c->n_nonces == NONCES_MAX)
		return;
	for (size_t i = 0; i < nonce.n; i++)
		if (!chr_is_alnum(nonce.p[i]) && nonce.p[i] != '-' &&
			nonce.p[i] != '_')
			return;
	to = c->nonces[c->n_nonces++];
	memcpy(to, nonce.p, nonce.n);
	to[nonce.n] = '\0';
}

/* Turns what the CA answered into a reply and the status that goes with it. */
static enum status judge(struct acme_client *c, struct arena *a,
	const struct http_response *r, struct acme_reply *reply, struct err *e)
{
	struct str after = http_response_header(r, "Retry-After", 0);
	enum status st = ST_INVALID;

	*reply = (struct acme_reply){ .status = r->status,
		.body = r->body,
		.location = http_response_header(r, "Location", 0) };
	if (after.n > 0)
		reply->retry_after_s = acme_retry_after(
			after, clock_now(c->clock), 0, 0, RETRY_AFTER_MAX);
	if (r->status / 100 == 2)
		return ST_OK;
	acme_problem_parse(a, r->status, r->body, &reply->problem);
	if (r->status == 429 || acme_problem_is(&reply->problem, "rateLimited"))
		st = ST_LIMIT;
	else if (r->status >= 500 || r->status / 100 == 3)
		st = ST_TEMP;
	return err_set(e, st, "%.*s", STR_ARG(reply->problem.detail));
}

/* What is not a str in here: libcurl wants C strings. */
static enum status perform(struct acme_client *c, struct arena *a,
	const char *method, struct str url, struct str body,
	struct acme_reply *reply, struct err *e)
{
	static const char *const jose[] = {
		"Content-Type: application/jose+json",
		"Accept: application/json, application/pem-certificate-chain",
		NULL
	};
	struct http_request req = { .method = method,
		.url = arena_str(a, url).p,
		.headers = body.p == NULL ? NULL : jose,
		.body = body };
	struct http_response r;
	enum status st;

	*reply = (struct acme_reply){};
	if (req.url == NULL)
		return err_set(e, ST_LIMIT, "ACME request: out of room");
	st = http_client_do(c->http, a, &req, &r, e);
	if (st != ST_OK)
		return st;
	keep_nonce(c, http_response_header(&r, "Replay-Nonce", 0));
	return judge(c, a, &r, reply, e);
}

enum status acme_client_get(struct acme_client *c, struct arena *a,
	struct str url, struct acme_reply *reply, struct err *e)
{
	return perform(c, a, "GET", url, (struct str){}, reply, e);
}

enum status acme_client_directory(
	struct acme_client *c, const struct acme_directory **out, struct err *e)
{
	int64_t now = clock_now(c->clock).s;
	struct acme_reply reply;
	enum status st;

	if (c->directory_at == 0 || now - c->directory_at > DIRECTORY_AGE_S ||
		now < c->directory_at) {
		c->directory_at = 0;
		arena_reset(c->directory_arena);
		st = acme_client_get(
			c, c->directory_arena, c->directory_url, &reply, e);
		if (st == ST_OK)
			st = acme_directory_parse(c->directory_arena,
				reply.body, &c->directory, e);
		if (st != ST_OK)
			return st;
		c->directory_at = now;
	}
	*out = &c->directory;
	return ST_OK;
}

/*
 * A nonce that was not used yet, from the pool or from newNonce. The directory
 * is not fetched anew here, however old: our caller may hold its URLs.
 */
static enum status take_nonce(
	struct acme_client *c, struct arena *a, struct str *out, struct err *e)
{
	const struct acme_directory *d;
	struct acme_reply reply;
	enum status st = ST_OK;

	if (c->n_nonces == 0) {
		if (c->directory_at == 0)
			st = acme_client_directory(c, &d, e);
		if (st != ST_OK)
			return st;
		st = perform(c, a, "HEAD", c->directory.new_nonce,
			(struct str){}, &reply, e);
		if (st != ST_OK)
			return st;
		if (c->n_nonces == 0)
			return err_set(e, ST_TEMP,
				"the CA gave no usable nonce "
				"(RFC 8555 section 7.2)");
	}
	*out = arena_str(a, str_of(c->nonces[--c->n_nonces]));
	return out->p == NULL ? err_set(e, ST_LIMIT, "out of room") : ST_OK;
}

enum status acme_client_post(struct acme_client *c, struct arena *a,
	const struct pki_key *key, struct str kid, struct str url,
	struct str payload, struct acme_reply *reply, struct err *e)
{
	struct acme_jws jws = {
		.key = key, .kid = kid, .url = url, .payload = payload
	};
	enum status st = ST_TEMP;
	struct str body;

	*reply = (struct acme_reply){};
	for (int i = 0; i < BAD_NONCE_TRIES; i++) {
		st = take_nonce(c, a, &jws.nonce, e);
		if (st != ST_OK)
			return st;
		st = acme_jws_write(a, &jws, &body, e);
		if (st != ST_OK)
			return st;
		st = perform(c, a, "POST", url, body, reply, e);
		if (st != ST_INVALID ||
			!acme_problem_is(&reply->problem, "badNonce"))
			return st;
	}
	return ST_TEMP; /* err holds the CA's words */
}
