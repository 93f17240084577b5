// Reads a Jenkinsfile as Jenkins' own language reads it, and walks it: which shell lines would run?
// usage: groovy jenkins.groovy JENKINSFILE BRANCH CHANGE TIMER [STATUS COMMAND-PART]
// Of the directives and steps it knows those that the file uses; any other word, or one in a place where
// Jenkins does not take it, ends with an error.
class Stop extends RuntimeException { Stop(String told) { super(told) } }

class Walk {
  static TAKES = [
    file: ['pipeline'],
    pipeline: ['agent', 'options', 'triggers', 'environment', 'stages', 'post'],
    options: ['disableConcurrentBuilds', 'timeout'],
    triggers: ['cron'],
    environment: ['credentials'],
    stages: ['stage'],
    stage: ['when', 'steps'],
    when: ['not', 'branch', 'triggeredBy', 'changeRequest'],
    not: ['branch', 'triggeredBy', 'changeRequest'],
    steps: ['sh', 'withCredentials', 'script', 'gitUsernamePassword'],
    withCredentials: ['sh'],
    script: ['sh', 'unstable', 'error'],
    post: ['always'],
    always: ['archiveArtifacts'],
  ]
  static NEEDS = [pipeline: ['agent', 'stages'], stage: ['steps']]
  String branch, change, failing
  boolean timer
  int status
  List ran = []
  String result = 'SUCCESS'
  Map told = [:]

  void inside(String place, Closure body) {
    def block = new Block(place: place, walk: this)
    body.delegate = block
    body.resolveStrategy = Closure.DELEGATE_FIRST
    body()
    (NEEDS[place] ?: []).each { if (!(it in block.seen)) throw new Stop("$place needs $it") }
  }

  boolean holds(String word, List given) {
    if (word == 'branch') return !change && given[0] == branch
    if (word == 'triggeredBy') return timer && given[0] == 'TimerTrigger'
    return change as boolean
  }

  def shell(given) {
    String command = given instanceof Map ? given.script : given
    ran << command
    int ended = failing && command.contains(failing) ? status : 0
    if (given instanceof Map && given.returnStatus) return ended
    if (ended) throw new Stop("$command ended with $ended")
  }
}

class Block {
  String place
  Walk walk
  List seen = []
  boolean runs = true

  def methodMissing(String word, arguments) {
    def given = arguments as List
    if (!(word in Walk.TAKES[place])) throw new Stop("$word is nothing that $place takes")
    seen << word
    if (word == 'sh') return walk.shell(given[0])
    if (word == 'error') throw new Stop("${given[0]}")
    if (word == 'unstable') { walk.result = 'UNSTABLE'; return }
    if (place in ['when', 'not'] && word != 'not') return judge(place == 'not' ? !walk.holds(word, given) : walk.holds(word, given))
    if (word == 'steps' && !runs) return
    if (!given || !(given[-1] instanceof Closure)) return word
    if (word == 'when' || word == 'not') {
      def block = new Block(place: word, walk: walk)
      given[-1].delegate = block
      given[-1].resolveStrategy = Closure.DELEGATE_FIRST
      given[-1]()
      runs &= block.runs
      return
    }
    walk.inside(word, given[-1])
  }

  def judge(boolean holds) { runs &= holds }

  def propertyMissing(String word) {
    if (word == 'env') return [CHANGE_ID: walk.change ?: null]
    return "<$word>"
  }

  void propertyMissing(String word, value) {
    if (place != 'environment') throw new Stop("$word is set outside of environment")
    walk.told[word] = value
  }
}

def (file, branch, change, timer) = args[0..3]
def walk = new Walk(branch: branch, change: change, timer: timer == 'yes')
if (args.length > 4) { walk.status = args[4] as int; walk.failing = args[5] }
def script = new GroovyShell().parse(new File(file))
script.metaClass.methodMissing = { String word, given ->
  new Block(place: 'file', walk: walk).methodMissing(word, given)
}
try {
  script.run()
} catch (Stop stop) {
  walk.result = 'FAILURE'
  System.err.println(stop.message)
}
println(groovy.json.JsonOutput.toJson([result: walk.result, ran: walk.ran]))
