// A page that was opened as a file may start no worker, and the search runs in one. Here a hidden frame stands in for it.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      // Some browsers replace the empty document of a new frame once: what is put into it earlier would be lost.
      const opened = new Promise((done) => frame.addEventListener("load", done, { once: true }))
      document.body.appendChild(frame)
      this.ready = opened.then(() => {
        this.inside = frame.contentWindow
        this.inside.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }))
        this.inside.importScripts = (...urls) => Promise.all(urls.map((each) => this.load(each)))
        return this.load(url)
      })
    }

    load(url) {
      return new Promise((done, failed) => {
        const script = this.inside.document.createElement("script")
        script.src = new URL(url, location.href).href
        script.onload = done
        script.onerror = failed
        this.inside.document.body.appendChild(script)
      })
    }

    postMessage(data) {
      this.ready.then(() => this.inside.dispatchEvent(new MessageEvent("message", { data })))
    }
  }
}
