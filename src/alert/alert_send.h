/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alert_send: notices that are due go out, each once: what was taken is noted
 * at once, what failed is tried again after 1, 5, 15, 60 minutes and then every
 * four hours, for two days. More than per_hour wait.
 */
#pragma once

#include "alert/alert_mail.h"
#include "base/clock.h"
#include "io/mail_client.h"

struct http_client;

struct alert_send_options {
	struct alert_mail mail; /* n_to == 0: none */
	struct mail_client_options smtp;
	const char *hook_url; /* NULL: none */
	struct http_client *http;
	/* For what tenants have added, which may lead anywhere. */
	struct http_client *tenant_http;
	const struct crypto_secret *hook_key;
	int64_t per_hour; /* of each channel */
};

#define ALERT_ATTEMPTS_MAX 16
#define ALERT_SEND_BATCH 20u
#define ALERT_SLOW_S 5 /* a failure that took so long puts off the others */

struct alert_send {
	struct alert_send_options o;
	struct store *store;
	const struct clock *clock;
	bool (*stop)(void *ctx);
	void *stop_ctx;
};

/* Sends what is due. Statuses of the store: what went wrong on the wire is
 * noted with the notice. */
enum status alert_send_step(struct alert_send *s, struct err *e);

/* How long to wait after so many attempts. */
int64_t alert_send_wait_s(int64_t attempts);
