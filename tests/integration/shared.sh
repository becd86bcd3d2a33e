#!/bin/bash
# What a container, or somebody else on the device, gets at of what the agent keeps below run=.
. "$(dirname "$0")/../lib.sh"
need docker-registry skopeo jq curl
fleet

bundle() { echo "$R"/containers/*; }
inside() { berth exec web sh -c "$1" 2>&1; }

start() {
	config_begin
	app web "$REG/app:v1" 'health = none' 'env = PASSWORD=geheim' "$@"
	agent_start
	wait_until "the app runs" 40 app_is web .state running
}

secrets() {
	local file
	start
	for file in config.json container.json; do
		check "$file has the password" grep -q geheim "$(bundle)/$file"
	done
	same "nobody but root can read a file that has it" \
		"$(grep -lr geheim "$R" "$STORE" | xargs stat -c '%a' | sort -u)" 600
	same "nor talk to the shim" "$(stat -c %a "$(bundle)/shim.sock")" 755
}

# An init system may have any umask. The app is not root: it reads what is bind-mounted, and "/".
masked() {
	local mask
	for mask in 077 000; do
		umask $mask
		start 'volume = data:/data'
		umask 022
		same "umask $mask: others may enter the container's root and volume" "$(inside 'stat -c %a / /data /etc/hosts' | xargs)" \
			'755 755 644'
		same "umask $mask: the shim's socket is root's" "$(stat -c %a "$(bundle)/shim.sock")" 755
		agent_stop
		case_end
	done
}

# hosts, resolv.conf and hostname can be written in the container, but not without end: run= is everybody's.
full() {
	local before after
	start
	before=$(du -sk "$R" | cut -f 1)
	like "hosts can be written" "$(inside 'echo 10.0.0.1 peer >> /etc/hosts && cat /etc/hosts')" 'localhost.*10.0.0.1 peer'
	like "but not without end" "$(inside 'dd if=/dev/zero of=/etc/resolv.conf bs=64k count=512')" 'No space left'
	after=$(du -sk "$R" | cut -f 1)
	check "the agent's directory is no larger than before ($before, $after KB)" test $((after - before)) -lt 1024
}

case_run secrets masked full
done_testing
