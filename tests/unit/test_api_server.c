/* The server with routes of its own: framing, keep-alive, streams under back-pressure, hijacking, limits. */
#include "agent/api/connection.h"
#include "agent/api/request.h"
#include "agent/api/server.h"
#include "agent/loop.h"
#include "lib/err.h"
#include "lib/fd.h"
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define STREAM_SIZE (4 * 1024 * 1024)

static char dir[] = "/tmp/test-api-XXXXXX";
static char path[64];

static void on_small(struct request *request)
{
	reply_json(request, 200, json_pack("{s:s}", "name", request->name));
}

static void on_echo(struct request *request)
{
	json_t *json;

	if (request_json(request, &json) == 0)
		reply_json(request, 201, json);
}

struct stream {
	size_t left;
	size_t most_queued;
};

/* Releases are written to a file: the test process is another one. */
static void note(const char *file, size_t number)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	dprintf(fd, "%zu\n", number);
	close(fd);
}

static void release_stream(struct request *request)
{
	struct stream *stream = request->data;

	note("released", stream->most_queued);
	free(stream);
}

static void fill(struct request *request)
{
	static const char block[1000] = { [0 ... 999] = '~' };
	struct stream *stream = request->data;

	while (stream->left && reply_room(request) >= sizeof(block)) {
		size_t size = stream->left < sizeof(block) ? stream->left : sizeof(block);

		reply_write(request, block, size);
		stream->left -= size;
	}
	if (request->connection->output.size > stream->most_queued)
		stream->most_queued = request->connection->output.size;
	if (!stream->left)
		reply_end(request);
}

static void on_stream(struct request *request)
{
	struct stream *stream = xcalloc(1, sizeof(*stream));

	stream->left = STREAM_SIZE;
	request->data = stream;
	request->release = release_stream;
	request->on_room = fill;
	reply_begin(request, 200, "application/octet-stream");
	fill(request);
}

struct later {
	struct timer timer;
	struct request *request;
};

static void on_later_timer(struct timer *timer)
{
	struct later *later = timer->data;

	reply_error(later->request, 409, "later \"%s\"", later->request->name);
}

static void release_later(struct request *request)
{
	struct later *later = request->data;

	timer_stop(&later->timer);
	note("later", 1);
	free(later);
}

static void on_later(struct request *request)
{
	struct later *later = xcalloc(1, sizeof(*later));

	later->request = request;
	request->data = later;
	request->release = release_later;
	timer_start(request->connection->loop, &later->timer, 50, on_later_timer, later);
}

static void on_hijack(struct request *request)
{
	struct buf BUF_CLEANUP early = BUF_INIT;
	int fd = request_hijack(request, "application/x-test", &early);

	if (fd < 0)
		return;
	CHECK(fd_write_full(fd, early.data, early.size) == 0);
	CHECK(fd_write_full(fd, "bye", 3) == 0);
	close(fd);
}

const struct route api_routes[] = {
	{ "GET", "/small/*", .handler = on_small },
	{ "POST", "/echo", .handler = on_echo },
	{ "GET", "/stream", .handler = on_stream },
	{ "GET", "/later/*", .handler = on_later },
	{ "POST", "/hijack", .handler = on_hijack },
	{ "POST", "/refused/*/x", .instead = NULL },
	{ "POST", "/refused/*/y", .instead = "do this" },
	{ 0 },
};

static void on_signal(int signal, void *data)
{
	(void)signal;
	loop_stop(data);
}

static void serve(void)
{
	struct loop loop;
	struct err err = ERR_INIT;
	struct api_server *server;

	if (loop_init(&loop, &err) < 0)
		_exit(2);
	loop_on_signal(&loop, on_signal, &loop);
	server = api_listen(NULL, &loop, path, &err);
	if (!server) {
		fprintf(stderr, "%s\n", err.text);
		_exit(2);
	}
	loop_run(&loop);
	api_stop(server);
	loop_release(&loop);
	exit(test_failed || access(path, F_OK) == 0);
}

static int client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 10 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	for (int i = 0; connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0; i++) {
		if (i == 500)
			abort();
		usleep(10000);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* Sends one text, returns all that comes until the server ends the connection or, with `wanted`, until that text came. */
static const char *talk(int fd, const char *text, const char *wanted)
{
	static char answer[65536];
	size_t size = 0;

	answer[0] = '\0';
	if (fd_write_full(fd, text, strlen(text)) < 0)
		return "write failed";
	while (size < sizeof(answer) - 1) {
		ssize_t got = read(fd, answer + size, sizeof(answer) - 1 - size);

		if (got <= 0)
			break;
		size += (size_t)got;
		answer[size] = '\0';
		if (wanted && strstr(answer, wanted))
			break;
	}
	return answer;
}

static const char *ask(const char *text)
{
	int fd FD_CLEANUP = client();

	return talk(fd, text, NULL);
}

static void answers_and_closes_when_asked(void)
{
	const char *answer = ask("GET /v1.40/small/a%20b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");

	CHECK(!strncmp(answer, "HTTP/1.1 200 OK\r\n", 17));
	CHECK_HAS(answer, "Api-Version: 1.43\r\n");
	CHECK_HAS(answer, "Content-Type: application/json\r\n");
	CHECK_HAS(answer, "Content-Length: 15\r\n");
	CHECK_HAS(answer, "\r\n\r\n{\"name\":\"a b\"}\n");
}

static void keeps_the_connection_and_takes_pipelined_requests(void)
{
	int fd FD_CLEANUP = client();

	CHECK_HAS(talk(fd, "GET /small/1 HTTP/1.1\r\nHost: x\r\n\r\n", "\"1\"}\n"), "200 OK");
	CHECK_HAS(talk(fd, "GET /small/2 HTTP/1.1\r\nHost: x\r\n\r\n"
			   "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n{\"a\":1}"
			   "GET /later/3 HTTP/1.1\r\nHost: x\r\n\r\n"
			   "HEAD /small/4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			   NULL),
		  "\"2\"}\n");
}

static void a_head_request_has_no_body(void)
{
	const char *answer = ask("HEAD /small/4 HTTP/1.0\r\n\r\n");

	CHECK_HAS(answer, "200 OK");
	CHECK_HAS(answer, "Content-Length: 13\r\n");
	CHECK(!strstr(answer, "name"));
	answer = ask("HEAD /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	CHECK_HAS(answer, "200 OK");
	CHECK(!strstr(answer, "~"));
}

static void errors_are_json(void)
{
	CHECK_HAS(ask("GET /none HTTP/1.0\r\n\r\n"), "404 Not Found");
	CHECK_HAS(ask("GET /none HTTP/1.0\r\n\r\n"), "{\"message\":\"page not found\"}");
	CHECK_HAS(ask("POST /refused/y/x HTTP/1.0\r\n\r\n"),
		  "{\"message\":\"berth does not offer POST /refused/y/x\"}");
	CHECK_HAS(ask("POST /refused/y/y HTTP/1.0\r\n\r\n"),
		  "{\"message\":\"berth does not offer POST /refused/y/y: do this\"}");
	CHECK_HAS(ask("GET /later/a%22b HTTP/1.0\r\n\r\n"), "{\"message\":\"later \\\"a\\\"b\\\"\"}");
	CHECK_HAS(ask("GET /v1.99/small/1 HTTP/1.0\r\n\r\n"), "400 Bad Request");
	CHECK_HAS(ask("rubbish\r\n\r\n"), "400 Bad Request");
	CHECK_HAS(ask("GET /small/\xff HTTP/1.0\r\n\r\n"), "400 Bad Request");
	CHECK_HAS(ask("GET /small/%ff HTTP/1.0\r\n\r\n"), "{\"message\":\"the URL is not UTF-8\"}");
}

static void limits_bodies(void)
{
	CHECK_HAS(ask("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n"), " 413 ");
	CHECK_HAS(ask("POST /echo HTTP/1.0\r\nContent-Length: 2\r\n\r\n[]"), "not a JSON object");
	CHECK_HAS(ask("POST /echo HTTP/1.0\r\n\r\n"), "{}");
	CHECK_HAS(ask("POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n"
		      "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n"),
		  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n");
}

static size_t read_number(const char *file)
{
	char text[32] = "";
	int fd FD_CLEANUP = -1;

	for (int i = 0; i < 500 && fd < 0; i++) {
		fd = open(file, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			usleep(10000);
	}
	usleep(10000);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return 0;
	unlink(file);
	return strtoul(text, NULL, 10);
}

/* A client that reads slowly gets everything, and never more than the queue is held for it. */
static void a_slow_client_costs_no_more_than_the_queue(void)
{
	int fd FD_CLEANUP = client();
	static char data[65536];
	size_t content = 0, most;
	ssize_t got;

	unlink("released");
	CHECK(fd_write_full(fd, "GET /stream HTTP/1.0\r\n\r\n", 24) == 0);
	usleep(100000);
	while ((got = read(fd, data, sizeof(data))) > 0)
		for (ssize_t i = 0; i < got; i++)
			content += data[i] == '~';
	CHECK_INT(content, STREAM_SIZE);
	most = read_number("released");
	CHECK(most > 0 && most <= REPLY_QUEUE_MAX);
}

static void a_client_that_goes_away_ends_its_request(void)
{
	int fd FD_CLEANUP = client();
	int other FD_CLEANUP = client();

	unlink("released");
	unlink("later");
	CHECK(fd_write_full(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", 33) == 0);
	CHECK(fd_write_full(other, "GET /later/x HTTP/1.1\r\nHost: x\r\n\r\n", 34) == 0);
	usleep(20000);
	fd_close(&fd);
	fd_close(&other);
	CHECK(read_number("released") > 0);
	CHECK(read_number("later") > 0);
}

static void hands_the_connection_over(void)
{
	CHECK_TEXT(ask("POST /hijack HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
		       "Content-Length: 0\r\n\r\nearly"),
		   "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/x-test\r\nConnection: Upgrade\r\n"
		   "Upgrade: tcp\r\nApi-Version: 1.43\r\nDocker-Experimental: false\r\nOstype: linux\r\n"
		   "Server: berth/0.1.0 (linux)\r\nSwarm: inactive\r\n\r\nearlybye");
	CHECK_HAS(ask("POST /hijack HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
		  "HTTP/1.1 200 OK\r\n");
}

static void takes_many_clients_and_drops_the_idle(void)
{
	int idle[API_CONNECTIONS_MAX];

	for (int i = 0; i < API_CONNECTIONS_MAX; i++)
		idle[i] = client();
	CHECK_HAS(ask("GET /small/1 HTTP/1.0\r\n\r\n"), "200 OK");
	CHECK_HAS(ask("GET /small/2 HTTP/1.0\r\n\r\n"), "200 OK");
	CHECK_HAS(talk(idle[API_CONNECTIONS_MAX - 1], "GET /small/3 HTTP/1.0\r\n\r\n", NULL), "200 OK");
	for (int i = 0; i < API_CONNECTIONS_MAX; i++)
		close(idle[i]);
}

static void the_socket_is_roots_alone(void)
{
	struct stat stat_;

	REQUIRE(stat(path, &stat_) == 0);
	CHECK_INT(stat_.st_mode & 07777, 0660);
}

int main(void)
{
	pid_t pid;
	int status;

	if (!mkdtemp(dir) || chdir(dir) < 0)
		return 1;
	snprintf(path, sizeof(path), "%s/sub/berth.sock", dir);
	pid = fork();
	if (!pid)
		serve();
	signal(SIGPIPE, SIG_IGN);
	RUN(answers_and_closes_when_asked);
	RUN(keeps_the_connection_and_takes_pipelined_requests);
	RUN(a_head_request_has_no_body);
	RUN(errors_are_json);
	RUN(limits_bodies);
	RUN(a_slow_client_costs_no_more_than_the_queue);
	RUN(a_client_that_goes_away_ends_its_request);
	RUN(hands_the_connection_over);
	RUN(takes_many_clients_and_drops_the_idle);
	RUN(the_socket_is_roots_alone);
	kill(pid, SIGTERM);
	if (waitpid(pid, &status, 0) != pid || status)
		test_failed++;
	fd_remove_tree(AT_FDCWD, dir);
	return test_end();
}
