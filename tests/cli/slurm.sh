#!/usr/bin/env bash
# sweep --slurm: the script, and the script in a Slurm of this machine's own (Debian's slurm-wlm and
# munge, started here as this user, on ports and sockets of its own).
. "$SOURCE_DIR/tests/cli/_lib.sh"
export ZOOMETER_REGISTRY=all
axes=(--batch 1,2,4 --resolution 64,224)

# -- the script ----------------------------------------------------------------------------------

run sweep 'resnet*' "${axes[@]}" --slurm 3 -o "it's.csv"
expect "it says what to do with the script" is "$status $out $err" "0  zoometer: wrote an array job of 3 tasks for 30 traces: sbatch it's.csv.slurm"
expect "it is a script" bash -n "it's.csv.slurm"
expect "nothing is computed yet" test ! -e "it's.csv"
for task in 2 3 1; do
  expect "without Slurm, task $task" env SLURM_ARRAY_TASK_ID=$task bash "it's.csv.slurm"
  [ "$task" != 1 ] && expect "the shards are joined after the last" test ! -e "it's.csv"
done
"$ZOOMETER" sweep 'resnet*' "${axes[@]}" -o whole.csv 2>/dev/null
expect "to the bytes of the whole" cmp whole.csv "it's.csv"
expect_error 2 "--slurm needs --output FILE" sweep resnet18 --slurm 2
expect_error 2 "--slurm: expected 1 to 100000, got 0" sweep resnet18 --slurm 0 -o x.csv
expect_error 2 "--slurm and --shard contradict each other" sweep resnet18 --slurm 2 --shard 1/2 -o x.csv
expect_error 2 "did you mean resnet18" sweep resnet118 --slurm 2 -o x.csv
run sweep resnet18 --slurm 9 -o few.jsonl
expect "no more tasks than traces" has "$(cat few.jsonl.slurm)" "--array=1-1"
run sweep resnet18 --slurm 4 -ofew.csv --jobs=2 -f jsonl --where 'name ~ "res*" and macs > 1'
expect "words keep their quotes, and the output's are the script's" has "$(cat few.csv.slurm)" "sweep resnet18 --where 'name ~ \"res*\" and macs > 1' --jobs"
expect "threads" has "$(cat few.csv.slurm)" "--cpus-per-task=2"

# models of a list
printf '# two\nresnet18\n\nresnet(layers=[1,1,1,1])\r\n' >list.txt
run sweep --models-from list.txt alexnet --columns macs
expect "a list of models, beside others" is "$(cut -d, -f1 stdout.txt | paste -sd' ')" 'model alexnet "resnet(layers=[1 resnet18'
run sweep --models-from - --columns macs
expect "an empty list is no registry" is "$status $out" "0 model,batch,resolution,dtype,macs,bounded,reason"
expect_error 3 "none.txt: cannot be read" sweep --models-from none.txt
run sweep --models-from list.txt --batch 1,2,3 --slurm 2 -o list.csv
for task in 1 2; do SLURM_ARRAY_TASK_ID=$task bash list.csv.slurm 2>/dev/null; done
"$ZOOMETER" sweep --models-from list.txt --batch 1,2,3 2>/dev/null >list_whole.csv
expect "an array job of a list" cmp list.csv list_whole.csv

# -- a Slurm of one's own ------------------------------------------------------------------------

for program in munged slurmctld slurmd; do
  if ! PATH=$PATH:/usr/sbin command -v $program >/dev/null; then
    echo "$program is not installed (apt-get install slurm-wlm munge): no test in a real Slurm"
    finish
    exit
  fi
done
export PATH=$PATH:/usr/sbin
user=$(id -un)
mkdir -m 700 state spool munge
dd if=/dev/urandom of=munge/key bs=1 count=1024 status=none
chmod 400 munge/key
read -r ctl_port node_port < <(/usr/bin/python3 -c '
import socket
held = [socket.socket() for _ in range(2)]
for each in held: each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in held))')
cat >slurm.conf <<CONF
ClusterName=own
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=$ctl_port
SlurmdPort=$node_port
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$PWD/munge/socket
CryptoType=crypto/munge
StateSaveLocation=$PWD/state
SlurmdSpoolDir=$PWD/spool
SlurmctldPidFile=$PWD/slurmctld.pid
SlurmdPidFile=$PWD/slurmd.pid
SlurmctldLogFile=$PWD/slurmctld.log
SlurmdLogFile=$PWD/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1
ReturnToService=2
KillWait=2
NodeName=$(hostname -s) NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
export SLURM_CONF=$PWD/slurm.conf
processes=()
stop_slurm() {
  [ ${#processes[@]} -gt 0 ] && kill "${processes[@]}" 2>/dev/null
  wait
}
trap stop_slurm EXIT
munged --foreground --force --key-file="$PWD/munge/key" --socket="$PWD/munge/socket" \
  --pid-file="$PWD/munge/pid" --log-file="$PWD/munge/log" --seed-file="$PWD/munge/seed" >munged.txt 2>&1 &
processes+=($!)
slurmctld -D >ctld.txt 2>&1 &
processes+=($!)
slurmd -D >slurmd.txt 2>&1 &
processes+=($!)
# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}
is_idle() { [ "$(sinfo -h -o %T)" = idle ]; }
if ! wait_for 30 is_idle; then
  # It needs a machine's name that resolves, and daemons that may run: not every container has them.
  echo "Slurm does not start here: no test in a real one"
  tail -n 3 munged.txt munge/log ctld.txt slurmctld.log slurmd.txt slurmd.log 2>&1
  finish
  exit
fi
pass
is_over() { [ -z "$(squeue -h)" ]; }

# 1,210 traces in 6 tasks, one of whose processes is killed while it works.
wide=(--batch 1,2,4,8,16 --resolution 128,160,192,224,256)
"$ZOOMETER" sweep "${wide[@]}" -o wide_whole.csv 2>/dev/null
run sweep "${wide[@]}" --slurm 6 -o wide.csv
# The third task's first process is stopped by a signal after some rows.
cat >killed <<SCRIPT
#!/usr/bin/env bash
if [ "\$SLURM_ARRAY_TASK_ID" = 3 ] && mkdir killed.once 2>/dev/null; then
  "$ZOOMETER" "\$@" &
  for _ in {1..200}; do [ -s wide.csv.parts/3.jsonl.part ] && break; sleep 0.01; done
  kill -KILL \$!
  wait \$!
  exit
fi
exec "$ZOOMETER" "\$@"
SCRIPT
chmod +x killed
sed -i "s|^zoometer=.*|zoometer=$PWD/killed|" wide.csv.slurm
expect "sbatch takes it" sbatch --output="$PWD/task-%a.log" wide.csv.slurm
expect "the tasks end" wait_for 120 is_over
expect "one was killed" test -d killed.once
expect "and lost nothing" cmp wide.csv wide_whole.csv

# A job that is cancelled as a whole, and submitted again.
rm -rf wide.csv wide.csv.parts
sbatch --output="$PWD/again-%a.log" wide.csv.slurm >/dev/null
wait_for 30 test -e wide.csv.parts
scancel --user="$user"
expect "a cancelled job ends" wait_for 60 is_over
sbatch --output="$PWD/again-%a.log" wide.csv.slurm >/dev/null
expect "it is submitted again" wait_for 120 is_over
expect "and is whole" cmp wide.csv wide_whole.csv
sbatch --output="$PWD/again-%a.log" wide.csv.slurm >/dev/null
wait_for 120 is_over
expect "nothing is computed a third time" has "$(cat again-1.log)" "wrote 0 rows"

# A task that Slurm itself sends back to the queue.
rm -rf wide.csv wide.csv.parts
job=$(sbatch --parsable --output="$PWD/requeued-%a.log" wide.csv.slurm)
wait_for 30 test -e wide.csv.parts/1.jsonl.part
scontrol requeue "${job}_1" 2>/dev/null || true # it may be over already
expect "requeued tasks end" wait_for 180 is_over
expect "with the same rows" cmp wide.csv wide_whole.csv

finish
