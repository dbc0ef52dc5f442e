"""A governed function in Python's standard library. Needs BURSAR_URL and BURSAR_KEY; see examples/README.md."""
import json, os, urllib.error, urllib.request, uuid


class BudgetExceededError(Exception):
    pass


class Pool:
    def __init__(self, name):
        self.path = f"/v1/pools/{name}"
        self.call("PUT", "", {})

    def call(self, method, path, body=None):
        request = urllib.request.Request(
            os.environ["BURSAR_URL"] + self.path + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": "Bearer " + os.environ["BURSAR_KEY"], "content-type": "application/json"},
        )
        try:
            return json.load(urllib.request.urlopen(request))
        except urllib.error.HTTPError as error:
            problem = json.load(error)
            raise (BudgetExceededError if error.code == 402 else RuntimeError)(problem["detail"]) from None

    def register(self, agent, **contract):
        self.call("PUT", f"/agents/{agent}", contract)

    def govern(self, agent, estimate=1000, usage=lambda result: len(str(result).split()), confidence=None):
        def wrap(function):
            def governed(*args):
                held = self.call("POST", "/reservations", {"agent": agent, "tokens": estimate, "id": str(uuid.uuid4())})
                try:
                    result = function(*args)
                except Exception:
                    self.call("POST", f"/reservations/{held['id']}/release", {})
                    raise
                spent = {"tokens": usage(result), **({"confidence": confidence(result)} if confidence else {})}
                self.call("POST", f"/reservations/{held['id']}/commit", spent)
                return result
            return governed
        return wrap

    def report(self):
        keys = ("allocated", "consumed", "remaining")
        return {name: {key: agent[key] for key in keys} for name, agent in self.call("GET", "/report")["agents"].items()}


pool = Pool(f"python-{uuid.uuid4()}")
pool.register("researcher", priority=3, max_tokens=4000)
pool.register("fact_checker", priority=2, max_tokens=3000, confidence_threshold=0.85)

call_researcher = pool.govern("researcher")(lambda prompt: "an answer to: " + prompt)
check_fact = pool.govern("fact_checker", confidence=lambda result: result["confidence"])(
    lambda claim: {"answer": claim + ": yes", "confidence": 0.9}
)

call_researcher("find the latest figures on X")
check_fact("water is wet")
try:
    check_fact("the sky is blue")
except BudgetExceededError as refusal:
    print("refused:", refusal)
print(json.dumps(pool.report()))
