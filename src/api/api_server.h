/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_server: the API as HTTP/1.1 on a unix socket, one call per connection.
 */
#pragma once

#include "api/api.h"

#define API_THREADS 4

/*
 * Serves until stop_fd becomes readable; envs are API_THREADS environments,
 * one per thread. ST_TEMP: no threads.
 */
enum status api_server_run(
	struct api_env *envs, int listen_fd, int stop_fd, struct err *e);

/* One connection from request to answer; for the test. */
void api_server_serve(struct api_env *env, int fd);
